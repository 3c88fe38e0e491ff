"""Getting through to an Argilla: its address, version and our key looked at one by one, and every fault explained.

No message holds the key, and none what a server echoes of chat text.
"""

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import argilla as rg
import httpx
from argilla._exceptions import ArgillaAPIError, ArgillaCredentialsError, ArgillaError, ForbiddenError

from labeling.address import CONFIG, address, is_loopback
from labeling.errors import RefusedError, UnreachableError
from models.errors import LabelingError

TIMEOUT_S = 30.0
SUPPORTED = "2.4 to the last 2.x (2.8 is tested)"
_OLDEST = (2, 4)  # the first with chat fields
_REFUSALS = frozenset({400, 409, 422})
_AWAY = frozenset({429, 502, 503, 504})
"""What a proxy says while the server behind it is down, or asks for patience."""
_ROLES = frozenset({"owner", "admin"})
_DETAIL_CHARS = 300


def connect(url: str, api_key: str, timeout_s: float = TIMEOUT_S) -> rg.Argilla:
    """Connect and log in as somebody who may fill a queue.

    Raises UnreachableError where nobody answers, and LabelingError for an address that is not an Argilla's, a version
    that is not supported, and a key that is wrong or an annotator's.
    """
    url, key = address(url), api_key.strip()
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise LabelingError(
            f"the API key for Argilla at {url} is empty or holds blanks or characters that no key has; "
            "copy it anew from Argilla's page, My settings, into the variable that api_key_env names"
        )
    environment = _heeds_environment(url)
    version = _version(url, timeout_s, environment)
    if not _is_supported(version):
        raise LabelingError(
            f"Argilla at {url} is version {version}; Quandary works with {SUPPORTED}: "
            "upgrade one of the two, or leave url out to have one of its own"
        )
    with explained(url, "logging in"):
        client = rg.Argilla(api_url=url, api_key=key, timeout=timeout_s, retries=1, trust_env=environment)
    try:
        _check_role(client, url)
    except BaseException:
        client.http_client.close()
        raise
    return client


@contextmanager
def explained(url: str, doing: str) -> Iterator[None]:
    """Turn what the SDK and its HTTP client raise into LabelingError."""
    try:
        yield
    except (ArgillaCredentialsError, ArgillaAPIError, httpx.HTTPStatusError) as error:
        raise _refusal(url, doing, error) from error
    except ArgillaError as error:  # the SDK wraps what it fails on while it makes a dataset
        if isinstance(error.__cause__, ArgillaAPIError):
            raise _refusal(url, doing, error.__cause__) from error
        raise LabelingError(f"Argilla at {url} failed while {doing}: {_short(str(error))}; see its log") from error
    except httpx.TimeoutException as error:
        raise UnreachableError(
            f"Argilla at {url} did not answer in time while {doing}; look whether it is overloaded or hangs"
        ) from error
    except httpx.HTTPError as error:
        raise _distance(url, doing, error) from error
    except (ValueError, KeyError, TypeError) as error:
        raise LabelingError(f"{url} does not answer as Argilla does while {doing}; check {CONFIG}") from error


def _version(url: str, timeout_s: float, environment: bool) -> str:
    """Ask for the version, at the place where 1.x has it too."""
    with explained(url, "asking for its version"):
        for path in ("/api/v1/version", "/api/_info"):
            reply = httpx.get(url + path, timeout=timeout_s, trust_env=environment)
            if reply.is_redirect:
                raise LabelingError(
                    f"Argilla at {url} sends us on to {_short(reply.headers.get('location', '(nowhere)'))}; "
                    f"set {CONFIG} to the root of where it leads"
                )
            if reply.status_code != httpx.codes.NOT_FOUND:
                break
        if reply.status_code == httpx.codes.NOT_FOUND:
            raise LabelingError(
                f"{url} does not answer as Argilla does while asking for its version; check {CONFIG}: "
                "it is the root of Argilla, the part before /sign-in"
            )
        return str(reply.raise_for_status().json()["version"])


def _check_role(client: rg.Argilla, url: str) -> None:
    with explained(url, "logging in"):
        me = client.http_client.get("/api/v1/me").raise_for_status().json()
        name, role = str(me["username"]), str(me["role"])
    if role not in _ROLES:
        raise LabelingError(
            f"the API key for Argilla at {url} is {name}'s, whose role is {role}: too little to fill a queue; "
            "use an owner's key, or an admin's who is in the workspace of the queue"
        )


def _is_supported(version: str) -> bool:
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    return numbers[:1] == (_OLDEST[0],) and numbers >= _OLDEST


def _heeds_environment(url: str) -> bool:
    """Tell whether proxies and certificates that the environment names count: not on the way to ourselves."""
    return url.startswith("https:") or not is_loopback(url)


def _refusal(url: str, doing: str, error: Exception) -> LabelingError:
    """What an answer with a status from 400 on means."""
    if isinstance(error, httpx.HTTPStatusError):
        status, detail = error.response.status_code, _detail(error.response.text)
    else:
        status, detail = int(getattr(error, "status_code", 401)), _detail(str(error).partition("Details: ")[2])
    if status == httpx.codes.UNAUTHORIZED:
        return LabelingError(
            f"Argilla at {url} refuses our API key while {doing}; "
            "copy it anew from Argilla's page, My settings, into the variable that api_key_env names"
        )
    if status == httpx.codes.FORBIDDEN or isinstance(error, ForbiddenError):
        return LabelingError(
            f"Argilla at {url} forbids {doing} to the owner of our API key; it takes the key of an owner, "
            "or of an admin who is in the workspace of the queue, which an owner has to make"
        )
    if status in _AWAY:
        return UnreachableError(f"Argilla at {url} is not to be had now (status {status}) while {doing}")
    if status in _REFUSALS:
        return RefusedError(f"Argilla at {url} refused {doing}: {detail}")
    return LabelingError(f"Argilla at {url} failed while {doing} (status {status}): {detail}; see its log")


def _distance(url: str, doing: str, error: httpx.HTTPError) -> LabelingError:
    """What it means that nobody answered at all."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLError):
        cause = cause.__cause__ or cause.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return LabelingError(
            f"the certificate of Argilla at {url} is not to be trusted ({_short(cause.verify_message)}); "
            "if it is your own, name its authority's file in the environment variable SSL_CERT_FILE"
        )
    if isinstance(cause, ssl.SSLError):
        return LabelingError(
            f"no encrypted connection to Argilla at {url} ({_short(cause.reason or 'broken')}); "
            f"look whether it speaks https there at all, and check {CONFIG}"
        )
    return UnreachableError(
        f"Argilla at {url} cannot be reached while {doing} ({_short(str(error)) or type(error).__name__}); "
        f"check that it runs, and {CONFIG}"
    )


def _detail(body: str) -> str:
    """What a server says of a fault, without what it echoes of our input."""
    try:
        told = json.loads(body)["detail"]
    except (ValueError, KeyError, TypeError):
        return "no reason given" if not body.strip() else f"an answer of {len(body)} characters that is not Argilla's"
    return _short("; ".join(_reasons(told))) or "no reason given"


def _reasons(told: object) -> list[str]:
    """Codes, messages and places of FastAPI's and Argilla's fault reports; never the values at fault."""
    if isinstance(told, str):
        return [told]
    if isinstance(told, list):
        return [reason for part in told for reason in _reasons(part)]
    if not isinstance(told, dict):
        return []
    if "msg" in told:
        return [f"{'.'.join(str(step) for step in told.get('loc', ()))}: {told['msg']}"]
    params = told.get("params")
    within = _reasons(params.get("errors", params.get("detail"))) if isinstance(params, dict) else []
    return within or [str(told[key]) for key in ("code", "message") if key in told]


def _short(text: str) -> str:
    return " ".join(text.split())[:_DETAIL_CHARS]

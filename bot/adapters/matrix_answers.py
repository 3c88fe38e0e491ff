"""What a homeserver's answers mean: go on, try again later, leave it, or stop."""

from collections.abc import Awaitable

import aiohttp
from nio import ErrorResponse, ProtocolError, Response

from models.errors import PlatformError


class LaterError(PlatformError):
    """A failure that may pass (server away, overloaded, limits): ``wait_s`` is what the server asks for."""

    def __init__(self, said: str, wait_s: float = 0.0) -> None:
        super().__init__(said)
        self.wait_s = wait_s


class RefusedError(PlatformError):
    """The server understood, and will not do it: ``status`` is HTTP's."""

    def __init__(self, said: str, status: int) -> None:
        super().__init__(said)
        self.status = status


async def answer_of(call: Awaitable[Response], what: str) -> Response:
    """Wait for a call of nio's and return its response, if it is a good one.

    ``what`` names the call in errors. Status codes count, not nio's classes: some of those take an error for content.
    Raises LaterError, RefusedError, or PlatformError where the access token is not accepted.
    """
    try:
        response = await call
    except (TimeoutError, aiohttp.ClientError, OSError, ProtocolError) as error:
        raise LaterError(f"{what}: the homeserver cannot be reached ({type(error).__name__}: {error})") from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise LaterError(f"{what}: nio cannot read the homeserver's answer ({type(error).__name__})") from error
    transport = response.transport_response
    status = 0 if transport is None else transport.status
    if 200 <= status < 300 and not isinstance(response, ErrorResponse):
        return response
    said, code, wait_s = _said(response)
    if status == 401 or code in {"M_UNKNOWN_TOKEN", "M_MISSING_TOKEN", "M_USER_DEACTIVATED"}:
        raise PlatformError(
            f"{what}: the homeserver does not accept the access token ({said}); log in anew, "
            "put the new token in the environment variable that matrix.token_env names, and start again"
        )
    if 400 <= status < 500 and status != 429:
        raise RefusedError(f"{what}: the homeserver refuses ({said})", status)
    raise LaterError(f"{what}: the homeserver answers {status} ({said})", wait_s)


def _said(response: Response) -> tuple[str, str, float]:
    if isinstance(response, ErrorResponse):
        return response.message, response.status_code or "", (response.retry_after_ms or 0) / 1000
    return "without a reason", "", 0.0

"""A request by which a platform pushes an event to us: why it is not taken, and what it brought."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from models.chat import ChatEvent

_HTTP_BAD, _HTTP_FORGED = 400, 401


class Refused(Exception):  # noqa: N818 - an answer to a request, not a fault of ours
    """A request that is not taken; ``status`` is the HTTP status of the answer, the message its body."""

    status = _HTTP_BAD


class Forged(Refused):
    """A request that does not show that it comes from the platform."""

    status = _HTTP_FORGED


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What a request brought: an event (None: nothing for us), and the JSON to answer with."""

    event: ChatEvent | None = None
    answer: Mapping[str, object] = field(default_factory=dict)


def json_of(body: bytes) -> Any:
    """The JSON in a request's body; raises Refused."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refused(f"the body is not JSON: {error}") from error


def is_fresh(at: str, now: float, within_s: int) -> bool:
    """Whether a header's time (seconds since 1970) lies so close to ours; later, somebody may be repeating it."""
    return at.isascii() and at.isdigit() and abs(now - int(at)) <= within_s

"""From the store to rows: what was answered about bursts, masked, under names that only we could undo."""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from labeling.exchange.row import Given, Row, Said
from models.chat import Burst
from models.chattext import rename
from models.consent import Mode, lower
from models.ids import EventId, RoomId
from models.labels import IMPORTED, Purpose
from models.privacy import mask, room_alias
from models.store import decisions, inbox, labels, requests, responses

AT = "at:"
"""Begins the id of a message that was imported; what follows is when it was said, in seconds since 1970."""


def gather(db: Any, modes: Callable[[RoomId, str], Mode], key: bytes) -> list[Row]:
    """Read all answered bursts that have text, oldest first, of rooms that let annotators read. Raises StoreError.

    ``key`` makes the names of rooms and members, the same at every time.
    """
    rows = []
    for burst in labels.answered_bursts(db):
        imported = burst.platform == IMPORTED
        routing = decisions.routing_of(db, burst.id)
        mode = Mode.TRAIN if imported else modes(burst.room, burst.platform)
        mode = lower(mode, (routing and routing.mode) or mode)
        if not mode.allows(Mode.LABEL):
            continue
        names: Mapping[str, str] = {}
        if not imported:
            names = {who: _alias(who, key) for who in (burst.sender, *(m.sender for m in burst.window))}
        rows.append(
            Row(
                id=_public(burst, imported=imported),
                room=str(burst.room) if imported else room_alias(burst.room, key),
                sender=names.get(burst.sender, burst.sender),
                text=mask(rename(burst.text, names)),
                window=_window(db, burst, names),
                started_at=burst.started_at,
                ended_at=burst.ended_at,
                given=_given(db, burst, names),
                labels=tuple(labels.about(db, burst.id)),
                audit=routing is not None and routing.audit,
                probability=1.0 if routing is None else routing.probability,
                trainable=mode.allows(Mode.TRAIN),
            )
        )
    return rows


def _given(db: Any, burst: Burst, names: Mapping[str, str]) -> tuple[Given, ...]:
    """What people answered, in order of submission; at one time, first requests come before second ones."""
    asked = {request.id: request for request in requests.about(db, burst.id)}
    given = [
        Given(
            response=replace(said, rewrite=None if said.rewrite is None else mask(rename(said.rewrite, names))),
            purpose=asked[said.request].purpose,
            round=asked[said.request].round,
        )
        for said in responses.about(db, burst.id)
    ]
    order = list(Purpose)
    return tuple(
        sorted(given, key=lambda g: (g.response.submitted_at, order.index(g.purpose), g.round, g.response.annotator))
    )


def _public(burst: Burst, *, imported: bool) -> str:
    """A burst's id for others: the file's own where it was imported; ours says where and when it was said."""
    if imported:
        return str(burst.id).split(":", 2)[2]
    return hashlib.sha256(f"public\x1f{burst.id}".encode("utf-8", "replace")).hexdigest()[:24]


def _alias(member: str, key: bytes) -> str:
    return "m" + hmac.new(key, member.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:10]


def _window(db: Any, burst: Burst, names: Mapping[str, str]) -> tuple[Said, ...]:
    known = inbox.times(db, [m.id for m in burst.window if m.id is not None and not m.id.startswith(AT)])
    return tuple(
        Said(
            sender=names.get(message.sender, message.sender),
            text=mask(rename(message.text, names)),
            timestamp=_timestamp(message.id, known),
        )
        for message in burst.window
    )


def _timestamp(message: EventId | None, known: Mapping[EventId, float]) -> int | None:
    if message is not None and message.startswith(AT):
        return int(message.removeprefix(AT))
    at = None if message is None else known.get(message)
    return None if at is None else int(at)

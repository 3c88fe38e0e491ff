"""Matrix events as chat events. Pure: what a room's members send is read here, and trusted in nothing."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from nio import (
    Event,
    ReactionEvent,
    RedactedEvent,
    RedactionEvent,
    RoomMessageEmote,
    RoomMessageMedia,
    RoomMessageNotice,
    RoomMessageText,
)

from models.chat import ChatEvent, EventKind
from models.ids import EventId, MemberId, RoomId

PLATFORM = "matrix"
AHEAD = timedelta(minutes=1)
"""Times are claims of the sender's server: what lies further in the future than this is pulled back to it."""
_FALLBACK = re.compile(r"\A> (?:\* )?<(?P<author>@[^>\s]+)>[^\n]*\n(?:>[^\n]*\n)*\n?")
_BODIES = (RoomMessageText, RoomMessageNotice, RoomMessageEmote, RoomMessageMedia)


def event_id(room: RoomId, native: str) -> EventId:
    """Our id of a Matrix event."""
    return EventId(f"{PLATFORM}:{room}:{native}")


def native_id(room: RoomId, event: EventId) -> str:
    """The inverse of ``event_id``."""
    return event.removeprefix(f"{PLATFORM}:{room}:")


class EventReader:
    """Reads events for one account: ``user`` is its id, ``name`` how members call it (may be empty)."""

    def __init__(self, user: str, name: str) -> None:
        self._user = user
        called = [re.escape(n) for n in (user, name) if len(n) > 1]
        self._called = re.compile(rf"(?<!\w)(?:{'|'.join(called)})(?!\w)", re.IGNORECASE)

    def read(self, room: RoomId, event: Event, now: datetime) -> ChatEvent | None:
        """Make a chat event of what says, changes, deletes or likes something; None of everything else.

        Of pictures and files only captions are read. An edit without a new text, and what was redacted before we saw
        it, is nothing.
        """
        if isinstance(event, RedactedEvent):
            return None
        if isinstance(event, RedactionEvent):
            return self._event(room, event, now, EventKind.DELETE, "", target=event.redacts)
        if isinstance(event, ReactionEvent):
            return self._event(room, event, now, EventKind.REACTION, event.key, target=event.reacts_to)
        if isinstance(event, _BODIES):
            content = _table(event.source.get("content"))
            relation = _table(content.get("m.relates_to"))
            if relation.get("rel_type") == "m.replace":
                return self._edit(room, event, now, content, relation)
            return self._message(room, event, now, content, relation)
        return None

    def _message(
        self, room: RoomId, event: Event, now: datetime, content: Mapping[str, Any], relation: Mapping[str, Any]
    ) -> ChatEvent | None:
        said = _said(content)
        answered = _text(_table(relation.get("m.in_reply_to")).get("event_id"))
        fallback = _FALLBACK.match(said) if answered else None
        if fallback is not None:
            said = said[fallback.end() :]
        if not said.strip():
            return None
        threaded = relation.get("rel_type") == "m.thread"
        if threaded and relation.get("is_falling_back") is True:
            answered = None  # named for clients that know no threads; nobody answered it
        to_us = fallback is not None and fallback["author"] == self._user
        return self._event(
            room,
            event,
            now,
            EventKind.MESSAGE,
            said,
            thread=_text(relation.get("event_id")) if threaded else None,
            reply_to=answered,
            is_bot=isinstance(event, RoomMessageNotice),
            mentions_bot=to_us or self._mentioned(content, said),
        )

    def _edit(
        self, room: RoomId, event: Event, now: datetime, content: Mapping[str, Any], relation: Mapping[str, Any]
    ) -> ChatEvent | None:
        target, new = _text(relation.get("event_id")), content.get("m.new_content")
        if target is None or not isinstance(new, Mapping):
            return None
        said = _said(new)
        mentions_bot = self._mentioned(new, said)
        return self._event(room, event, now, EventKind.EDIT, said, target=target, mentions_bot=mentions_bot)

    def _event(
        self,
        room: RoomId,
        event: Event,
        now: datetime,
        kind: EventKind,
        text: str,
        *,
        target: str | None = None,
        thread: str | None = None,
        reply_to: str | None = None,
        is_bot: bool = False,
        mentions_bot: bool = False,
    ) -> ChatEvent:
        return ChatEvent(
            id=event_id(room, event.event_id),
            platform=PLATFORM,
            room=room,
            sender=MemberId(event.sender),
            text=text,
            sent_at=_time(event.server_timestamp, now),
            kind=kind,
            thread=thread,
            target=None if target is None else event_id(room, target),
            reply_to=None if reply_to is None else event_id(room, reply_to),
            is_bot=is_bot or event.sender == self._user,
            mentions_bot=mentions_bot and event.sender != self._user,
        )

    def _mentioned(self, content: Mapping[str, Any], said: str) -> bool:
        members = _table(content.get("m.mentions")).get("user_ids")
        return (isinstance(members, list) and self._user in members) or self._called.search(said) is not None


def _said(content: Mapping[str, Any]) -> str:
    """The text of a message: its plain body; of a picture or a file the caption, if there is one beside its name."""
    body = _text(content.get("body")) or ""
    if content.get("msgtype") in ("m.text", "m.notice", "m.emote"):
        return body
    name = _text(content.get("filename"))
    return body if name is not None and name != body else ""


def _time(milliseconds: int, now: datetime) -> datetime:
    latest = now + AHEAD
    if milliseconds >= latest.timestamp() * 1000:
        return latest
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None

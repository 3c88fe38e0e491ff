"""What arrives from a group chat, and the bursts it is joined to."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from models.ids import BurstId, EventId, MemberId, RoomId


class EventKind(StrEnum):
    """What a chat event does."""

    MESSAGE = "message"
    EDIT = "edit"
    DELETE = "delete"
    REACTION = "reaction"
    NOTHING = "nothing"
    """Only the cursor moved: it is stored, the event is not."""
    ORDER = "order"
    """A message that tells the bot something (``!quandary help``); no adapter reports it, ``bot.orders`` finds it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatEvent:
    """One message, edit, deletion or reaction as a platform reported it.

    ``sent_at`` is the server's time in UTC. ``target`` is the message that an edit, a deletion or a reaction
    is about; a reaction's ``text`` is its emoji or key. ``mentions_bot`` says that the message speaks to the bot (by
    name, or as an answer to it). ``cursor`` is the platform's position after this event: it is stored in the same
    transaction as the event, never before.
    """

    id: EventId
    platform: str
    room: RoomId
    sender: MemberId
    text: str
    sent_at: datetime
    kind: EventKind = EventKind.MESSAGE
    thread: str | None = None
    target: EventId | None = None
    reply_to: EventId | None = None
    is_bot: bool = False
    mentions_bot: bool = False
    cursor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowMessage:
    """One of the up to 12 messages before a burst.

    ``id`` is the event it was, by which it is found again when it is edited or erased; None in files without ids.
    """

    sender: str
    text: str
    id: EventId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """One member's consecutive messages, joined by newlines, with the window before them (oldest first)."""

    id: BurstId
    room: RoomId
    sender: MemberId
    text: str
    window: tuple[WindowMessage, ...]
    started_at: datetime
    ended_at: datetime
    message_ids: tuple[EventId, ...] = ()
    thread: str | None = None
    platform: str = ""


def burst_id(room: RoomId, thread: str | None, first: EventId) -> BurstId:
    """Derive a burst's id from where it began, so that assembling the same events again gives the same id."""
    digest = hashlib.sha256("\x1f".join((room, thread or "", first)).encode("utf-8", "replace"))
    return BurstId(digest.hexdigest()[:24])

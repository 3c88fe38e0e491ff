"""Chat events: written down before anything else happens, and the cursor with them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlite_utils import Database

from models.chat import ChatEvent, EventKind, WindowMessage
from models.ids import BurstId, EventId, MemberId, RoomId
from models.store.database import storable, to_seconds, to_time, transaction

WINDOW_CHARS = 2000
"""A window message longer than this is cut; the prompt reads less of it anyway."""

_INSERT = (
    "INSERT INTO events (id, platform, room, thread, sender, kind, text, sent_at, target, reply_to, is_bot, "
    "mentions_bot, burst, handled) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING"
)


def append(db: Database, events: Sequence[ChatEvent]) -> list[ChatEvent]:
    """Write events down with their platform's cursor, in one transaction; returns those that were new.

    Of an event that only moves the cursor nothing but the cursor is kept.
    """
    cursors = {event.platform: event.cursor for event in events if event.cursor is not None}
    kept = [event for event in events if event.kind is not EventKind.NOTHING]
    with transaction(db):
        new = [event for event in kept if db.conn.execute(_INSERT, _row(event)).rowcount == 1]
        for platform, reached in cursors.items():
            db.table("cursors").upsert({"platform": platform, "cursor": reached}, pk="platform")
    return new


def cursor(db: Database, platform: str) -> str | None:
    """The position after the last durable event of a platform."""
    row = db.conn.execute("SELECT cursor FROM cursors WHERE platform = ?", [platform]).fetchone()
    return None if row is None else str(row[0])


def unhandled(db: Database) -> list[ChatEvent]:
    """Events that belong to no burst yet, in order of arrival; after a restart the assembler reads them again."""
    rows = db.query("SELECT * FROM events WHERE handled = 0 ORDER BY seq")
    return [_event(row) for row in rows]


def mark_handled(db: Database, ids: Sequence[EventId]) -> None:
    """Mark events that never join a burst: of bots, of members who opted out, edits and deletions carried out."""
    with transaction(db):
        db.conn.executemany("UPDATE events SET handled = 1 WHERE id = ?", [(i,) for i in ids])


def settle(db: Database, ids: Sequence[EventId]) -> None:
    """Mark events as handled (orders carried out, members not to be heard), and keep nothing of what they said."""
    with transaction(db):
        db.conn.executemany("UPDATE events SET handled = 1, text = '' WHERE id = ?", [(i,) for i in ids])


def keep_silent_about(db: Database, event: ChatEvent) -> None:
    """Note a message of the bot that no window is to show, whether its platform has reported it already or will."""
    with transaction(db):
        db.conn.execute("UPDATE events SET text = '' WHERE id = ?", [event.id])
        append(db, [replace(event, text="")])
        settle(db, [event.id])


def is_open(db: Database, message: EventId) -> bool:
    """Tell whether a message may still join a burst, or is in one that has not closed."""
    row = db.conn.execute(
        "SELECT 1 FROM events WHERE id = ? AND handled = 0 AND kind = 'message' AND NOT is_bot", [message]
    ).fetchone()
    return row is not None


def waiting_messages(db: Database, member: MemberId, room: RoomId | None) -> list[EventId]:
    """A member's messages that no closed burst has yet, in one room or (None) in all."""
    rows = db.query(
        "SELECT id FROM events WHERE handled = 0 AND kind = 'message' AND sender = :member "
        "AND (:room IS NULL OR room = :room)",
        {"member": member, "room": room},
    )
    return [EventId(row["id"]) for row in rows]


def window_before(db: Database, room: RoomId, first: EventId, size: int) -> tuple[WindowMessage, ...]:
    """The up to ``size`` messages of a room, of all senders, before a message; oldest first, long ones cut."""
    found = db.conn.execute(
        "SELECT id, sender, text FROM events WHERE room = ? AND kind = 'message' AND text <> '' AND seq < "
        "(SELECT seq FROM events WHERE id = ?) ORDER BY seq DESC LIMIT ?",
        (room, first, size),
    ).fetchall()
    return tuple(
        WindowMessage(sender=sender, text=text[:WINDOW_CHARS], id=EventId(name))
        for name, sender, text in reversed(found)
    )


def meant(db: Database, event: ChatEvent) -> EventId | None:
    """The message that an edit or a deletion changes; None where it may change none.

    Nobody edits what others said, whatever the platform lets through. To delete an edit is to delete the message: what
    it said before is not known any more.
    """
    if event.target is None:
        return None
    row = db.conn.execute("SELECT sender, kind, target FROM events WHERE id = ?", [event.target]).fetchone()
    if row is None:
        return event.target
    sender, kind, target = row
    if event.kind is EventKind.EDIT and sender != event.sender:
        return None
    return EventId(target) if kind == EventKind.EDIT and target is not None else event.target


def burst_of(db: Database, message: EventId) -> BurstId | None:
    """The closed burst that a message belongs to, if it has one."""
    row = db.conn.execute("SELECT burst FROM events WHERE id = ?", [message]).fetchone()
    return None if row is None or row[0] is None else BurstId(row[0])


def amend(db: Database, target: EventId, text: str) -> str | None:
    """Replace a message's text (empty for a deletion); returns the burst that it belongs to, if it has closed.

    A deletion takes along what edits said; after an edit they stay, for they may have to be carried out again.
    """
    with transaction(db):
        if not text:
            db.conn.execute("UPDATE events SET text = '' WHERE target = ? AND kind = 'edit'", [target])
        db.conn.execute("UPDATE events SET text = ? WHERE id = ?", [storable(text), target])
        row = db.conn.execute("SELECT burst FROM events WHERE id = ?", [target]).fetchone()
    return None if row is None or row[0] is None else str(row[0])


def _row(event: ChatEvent) -> tuple[object, ...]:
    return (
        event.id,
        event.platform,
        event.room,
        event.thread,
        event.sender,
        event.kind.value,
        storable(event.text),
        to_seconds(event.sent_at),
        event.target,
        event.reply_to,
        int(event.is_bot),
        int(event.mentions_bot),
        None,
        0,
    )


def _event(row: Mapping[str, Any]) -> ChatEvent:
    return ChatEvent(
        id=EventId(row["id"]),
        platform=row["platform"],
        room=RoomId(row["room"]),
        thread=row["thread"],
        sender=MemberId(row["sender"]),
        kind=EventKind(row["kind"]),
        text=row["text"],
        sent_at=to_time(row["sent_at"]),
        target=None if row["target"] is None else EventId(row["target"]),
        reply_to=None if row["reply_to"] is None else EventId(row["reply_to"]),
        is_bot=bool(row["is_bot"]),
        mentions_bot=bool(row["mentions_bot"]),
    )


def times(db: Database, messages: Sequence[EventId]) -> dict[EventId, float]:
    """When messages were sent, in seconds since 1970; those that are not kept any more are left out."""
    rows = db.conn.execute(
        f"SELECT id, sent_at FROM events WHERE id IN ({', '.join('?' * len(messages))})", list(messages)
    )
    return {EventId(name): float(at) for name, at in rows.fetchall()}

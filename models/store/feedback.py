"""Feedback, and what it is about: replies by their ids on the platform, bursts by their messages."""

from collections.abc import Mapping
from typing import Any

from sqlite_utils import Database

from models.feedback import Feedback, FeedbackKind, Subject
from models.ids import BurstId, EventId, MemberId, RoomId
from models.store.database import storable, to_seconds, to_time, transaction

RECALLED, SENT = "recalled", "sent"
KEY_CHARS = 32

_REPLY = (
    "SELECT r.burst, r.said, b.room, b.sender, r.replied_at AS at FROM replies r JOIN bursts b ON b.id = r.burst WHERE "
)
_BURST = (
    "SELECT b.id AS burst, NULL AS said, b.room, b.sender, b.ended_at AS at FROM events e "
    "JOIN bursts b ON b.id = e.burst WHERE "
)


def subject(db: Database, room: RoomId, target: EventId) -> Subject | None:
    """What an event of a room is: a reply of the bot, or a message of a closed burst; None if neither."""
    return _first(db, _REPLY + "r.said = ? AND b.room = ?", target, room) or _first(
        db, _BURST + "e.id = ? AND e.room = ?", target, room
    )


def reply_to(db: Database, burst: BurstId) -> Subject | None:
    """The reply to a burst, where one was given."""
    return _first(db, _REPLY + "r.burst = ? AND r.said IS NOT NULL", burst)


def last_reply(db: Database, room: RoomId) -> Subject | None:
    """The newest reply in a room that still stands."""
    return _first(db, _REPLY + f"r.state = '{SENT}' AND b.room = ? ORDER BY r.replied_at DESC LIMIT 1", room)


def last_reply_to(db: Database, room: RoomId, member: MemberId) -> Subject | None:
    """The newest reply to a member in a room that still stands."""
    query = _REPLY + f"r.state = '{SENT}' AND b.room = ? AND b.sender = ? ORDER BY r.replied_at DESC LIMIT 1"
    return _first(db, query, room, member)


def last_burst(db: Database, room: RoomId, member: MemberId) -> Subject | None:
    """The newest closed burst of a member in a room."""
    return _first(db, _BURST + "e.room = ? AND e.sender = ? AND e.text <> '' ORDER BY e.seq DESC LIMIT 1", room, member)


def note(db: Database, feedback: Feedback) -> None:
    """Write feedback down; the same event counts once, and not at all if it was taken back (and emptied) before."""
    with transaction(db):
        if db.conn.execute("SELECT 1 FROM events WHERE id = ? AND text <> ''", [feedback.event]).fetchone() is None:
            return
        db.table("feedback").insert(
            {
                "event": feedback.event,
                "burst": feedback.subject.burst,
                "said": feedback.subject.said,
                "room": feedback.subject.room,
                "member": feedback.member,
                "kind": feedback.kind.value,
                "key": storable(feedback.key[:KEY_CHARS]),
                "at": to_seconds(feedback.at),
            },
            ignore=True,
        )


def withdraw(db: Database, event: EventId) -> None:
    """Drop the feedback that a reaction was, for it was taken back; that a reply was recalled stays."""
    with transaction(db):
        db.conn.execute("DELETE FROM feedback WHERE event = ? AND kind = ?", [event, FeedbackKind.REACTION.value])


def forget(db: Database, member: MemberId, room: RoomId | None) -> int:
    """Drop all feedback of a member, in one room or (None) in all; returns how much there was."""
    with transaction(db):
        gone = db.conn.execute(
            "DELETE FROM feedback WHERE member = :member AND (:room IS NULL OR room = :room)",
            {"member": member, "room": room},
        )
    return int(gone.rowcount)


def recall(db: Database, said: EventId) -> None:
    """Write down that a reply was taken back; no later window shows it."""
    with transaction(db):
        db.conn.execute("UPDATE replies SET state = ? WHERE said = ?", [RECALLED, said])
        db.conn.execute("UPDATE events SET text = '' WHERE id = ? AND is_bot = 1", [said])


def count(db: Database) -> dict[str, int]:
    """Feedback by kind."""
    return {row["kind"]: row["n"] for row in db.query("SELECT kind, count(*) AS n FROM feedback GROUP BY kind")}


def _first(db: Database, query: str, *values: str) -> Subject | None:
    row: Mapping[str, Any] | None = next(iter(db.query(query, list(values))), None)
    if row is None:
        return None
    return Subject(
        burst=BurstId(row["burst"]),
        room=RoomId(row["room"]),
        asker=MemberId(row["sender"]),
        at=to_time(row["at"]),
        said=None if row["said"] is None else EventId(row["said"]),
    )

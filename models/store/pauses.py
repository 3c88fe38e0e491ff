"""Rooms whose admins asked for silence."""

from datetime import datetime

from sqlite_utils import Database

from models.ids import MemberId, RoomId
from models.store.database import to_seconds, transaction


def pause(db: Database, room: RoomId, until: datetime | None, by: MemberId, at: datetime) -> None:
    """Keep silent in a room until a moment, or (None) until resumed; what was asked before is replaced."""
    with transaction(db):
        db.table("pauses").upsert(
            {"room": room, "until": None if until is None else to_seconds(until), "by": by, "at": to_seconds(at)},
            pk="room",
        )


def resume(db: Database, room: RoomId) -> None:
    """Speak again in a room."""
    with transaction(db):
        db.conn.execute("DELETE FROM pauses WHERE room = ?", [room])


def is_paused(db: Database, room: RoomId, now: datetime) -> bool:
    """Tell whether a room is paused at a moment."""
    query = "SELECT 1 FROM pauses WHERE room = ? AND (until IS NULL OR until > ?)"
    return db.conn.execute(query, [room, to_seconds(now)]).fetchone() is not None


def paused(db: Database, now: datetime) -> list[RoomId]:
    """All rooms that are paused at a moment."""
    rows = db.query("SELECT room FROM pauses WHERE until IS NULL OR until > ? ORDER BY room", [to_seconds(now)])
    return [RoomId(row["room"]) for row in rows]

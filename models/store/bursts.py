"""Closed bursts: waiting to be decided, routed, or withdrawn."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlite_utils import Database

from models.chat import Burst, WindowMessage
from models.ids import BurstId, EventId, MemberId, RoomId
from models.store.database import storable, to_seconds, to_time, transaction

CLOSED, ROUTED, WITHDRAWN = "closed", "routed", "withdrawn"


def close(db: Database, bursts: Sequence[Burst]) -> None:
    """Write closed bursts down and mark their messages as handled, in one transaction; a known burst is left alone."""
    with transaction(db):
        for burst in bursts:
            db.table("bursts").insert(_row(burst), ignore=True)
            db.conn.executemany(
                "UPDATE events SET handled = 1, burst = ? WHERE id = ?", [(burst.id, i) for i in burst.message_ids]
            )


def undecided(db: Database, limit: int = 1000) -> list[Burst]:
    """Closed bursts without a route, in order of their ends; after a restart they are decided first."""
    rows = db.query("SELECT * FROM bursts WHERE state = ? ORDER BY ended_at, id LIMIT ?", [CLOSED, limit])
    return [burst_of(row) for row in rows]


def get(db: Database, burst: BurstId) -> Burst | None:
    """One burst, or None."""
    row = next(iter(db.query("SELECT * FROM bursts WHERE id = ?", [burst])), None)
    return None if row is None else burst_of(row)


def rewrite(db: Database, burst: BurstId) -> Burst | None:
    """Rebuild a closed burst from its messages after an edit or a deletion.

    It is then decided anew, or withdrawn if no text is left (None is returned).
    """
    with transaction(db):
        rows = db.query("SELECT text FROM events WHERE burst = ? AND text <> '' ORDER BY seq", [burst])
        text = "\n".join(row["text"] for row in rows)
        state = CLOSED if text else WITHDRAWN
        db.conn.execute("UPDATE bursts SET text = ?, state = ? WHERE id = ?", [text, state, burst])
    return get(db, burst) if text else None


def count(db: Database) -> dict[str, int]:
    """Bursts by state."""
    return {row["state"]: row["n"] for row in db.query("SELECT state, count(*) AS n FROM bursts GROUP BY state")}


def burst_of(row: Mapping[str, Any]) -> Burst:
    """Read a row of the table ``bursts``."""
    return Burst(
        id=BurstId(row["id"]),
        platform=row["platform"] or "",
        room=RoomId(row["room"]),
        thread=row["thread"],
        sender=MemberId(row["sender"]),
        text=row["text"],
        window=tuple(WindowMessage(sender=m["sender"], text=m["text"]) for m in json.loads(row["window"])),
        message_ids=tuple(EventId(i) for i in json.loads(row["message_ids"])),
        started_at=to_time(row["started_at"]),
        ended_at=to_time(row["ended_at"]),
    )


def _row(burst: Burst) -> dict[str, Any]:
    window = [{"sender": m.sender, "text": storable(m.text)} for m in burst.window]
    return {
        "id": burst.id,
        "platform": burst.platform,
        "room": burst.room,
        "thread": burst.thread,
        "sender": burst.sender,
        "text": storable(burst.text),
        "window": json.dumps(window, ensure_ascii=False),
        "message_ids": json.dumps(list(burst.message_ids)),
        "started_at": to_seconds(burst.started_at),
        "ended_at": to_seconds(burst.ended_at),
        "state": CLOSED,
    }

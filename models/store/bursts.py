"""Closed bursts: waiting to be decided, routed, or withdrawn."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlite_utils import Database

from models.chat import Burst, WindowMessage
from models.ids import BurstId, EventId, MemberId, RoomId
from models.store import inbox
from models.store.database import storable, to_seconds, to_time, transaction

CLOSED, ROUTED, WITHDRAWN = "closed", "routed", "withdrawn"
_SHOWN_MAX = 1000
"""So many events later no window shows a message any more, however many of them were without text."""
_DISORDER_S = 600.0
"""How far events of a room may come out of the order of their times."""

_STATE = 10
"""The place of the state among the values that are inserted."""
_encode = json.JSONEncoder(ensure_ascii=False).encode  # json.dumps would make an encoder each time
_INSERT = (
    "INSERT INTO bursts (id, platform, room, thread, sender, text, window, message_ids, started_at, ended_at, state, "
    "closed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING"
)


def close(
    db: Database, bursts: Iterable[Burst], handled: Sequence[EventId] = (), closed_at: datetime | None = None
) -> None:
    """Write closed bursts down and mark their messages as handled, in one transaction; a known burst is left alone.

    ``handled`` are other events that need no burst; they are marked in the same transaction.
    """
    with transaction(db):
        found = list(bursts)
        db.conn.executemany(_INSERT, [_row(burst, closed_at) for burst in found])
        db.conn.executemany(
            "UPDATE events SET handled = 1, burst = ? WHERE id = ?", [(b.id, i) for b in found for i in b.message_ids]
        )
        if handled:
            inbox.mark_handled(db, handled)


def close_with_windows(
    db: Database, bursts: Sequence[Burst], size: int, handled: Sequence[EventId], closed_at: datetime
) -> None:
    """Close bursts as an assembler gives them, each with the up to ``size`` messages before it."""

    def windowed(burst: Burst) -> Burst:
        return replace(burst, window=inbox.window_before(db, burst.room, burst.message_ids[0], size))

    close(db, map(windowed, bursts), handled, closed_at)


def insert_routed(db: Database, burst: Burst) -> bool:
    """Write a burst down that needs no route; tells whether it was new."""
    done = db.conn.execute(_INSERT, [ROUTED if i == _STATE else v for i, v in enumerate(_row(burst, None))])
    return done.rowcount == 1


def undecided(db: Database, limit: int = 1000) -> list[Burst]:
    """Closed bursts without a route, in order of their ends; after a restart they are decided first."""
    rows = db.query(  # the index is named because SQLite would rather sort all that wait, a backlog of them each time
        "SELECT * FROM bursts INDEXED BY bursts_undecided WHERE state = 'closed' ORDER BY ended_at, id LIMIT ?", [limit]
    )
    return [burst_of(row) for row in rows]


def get(db: Database, burst: BurstId) -> Burst | None:
    """One burst, or None."""
    row = next(iter(db.query("SELECT * FROM bursts WHERE id = ?", [burst])), None)
    return None if row is None else burst_of(row)


def rewrite(db: Database, burst: BurstId, closed_at: datetime | None = None) -> Burst | None:
    """Rebuild a closed burst from its messages after an edit or a deletion.

    It is then decided anew, or withdrawn if no text is left (None is returned).
    """
    with transaction(db):
        rows = db.conn.execute(
            "SELECT e.text FROM bursts b, json_each(b.message_ids) m, events e "
            "WHERE b.id = ? AND e.id = m.value AND e.burst = b.id AND e.text <> '' ORDER BY e.seq",
            [burst],
        ).fetchall()
        text = "\n".join(row[0] for row in rows)
        db.conn.execute(
            "UPDATE bursts SET text = ?, state = ?, closed_at = ? WHERE id = ?",
            [text, CLOSED if text else WITHDRAWN, None if closed_at is None else to_seconds(closed_at), burst],
        )
    return get(db, burst) if text else None


def senders(db: Database, room: RoomId, at: datetime) -> list[str]:
    """Who spoke in a room on the day (UTC) of ``at`` and not after it, in the order of their first bursts."""
    day = to_seconds(at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0))
    rows = db.query(
        "SELECT sender, min(started_at) AS first FROM bursts WHERE room = ? AND started_at BETWEEN ? AND ? "
        "GROUP BY sender ORDER BY first, sender",
        [room, day, to_seconds(at)],
    )
    return [row["sender"] for row in rows]


def showing(db: Database, message: EventId, room: RoomId | None = None) -> list[BurstId]:
    """Bursts that have a message in their windows.

    Looked for among those begun soon after it; where it was purged, among all of ``room``.
    """
    row = db.conn.execute("SELECT seq, room, sent_at FROM events WHERE id = ?", [message]).fetchone()
    seq, place, since = row or (None, room, 0.0)
    last = db.conn.execute(
        "SELECT sent_at FROM events WHERE room = ? AND seq > ? ORDER BY seq LIMIT 1 OFFSET ?", [place, seq, _SHOWN_MAX]
    ).fetchone()
    found = db.conn.execute(
        "SELECT DISTINCT b.id FROM bursts b, json_each(b.window) w WHERE b.room = ? AND b.started_at BETWEEN ? AND ? "
        "AND json_extract(w.value, '$.id') = ?",
        [place, since - _DISORDER_S, 1e12 if last is None else last[0] + _DISORDER_S, message],
    )
    return [BurstId(name) for (name,) in found.fetchall()]


def amend_windows(db: Database, message: EventId, text: str) -> list[BurstId]:
    """Put a message's new text into the windows that show it; returns their bursts."""
    with transaction(db):
        shown = showing(db, message)
        for burst in shown:
            (column,) = db.conn.execute("SELECT window FROM bursts WHERE id = ?", [burst]).fetchone()
            window = [
                replace(m, text=text[: inbox.WINDOW_CHARS]) if m.id == message else m for m in read_window(column)
            ]
            db.conn.execute("UPDATE bursts SET window = ? WHERE id = ?", [write_window(window), burst])
    return shown


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
        window=read_window(row["window"]),
        message_ids=tuple(EventId(i) for i in json.loads(row["message_ids"])),
        started_at=to_time(row["started_at"]),
        ended_at=to_time(row["ended_at"]),
    )


def read_window(column: str) -> tuple[WindowMessage, ...]:
    """Read the column ``window``; what was written before messages had ids there has none."""
    return tuple(WindowMessage(sender=m["sender"], text=m["text"], id=m.get("id")) for m in json.loads(column))


def write_window(window: Sequence[WindowMessage]) -> str:
    """The column ``window``: JSON objects with sender, text and id."""
    rows = [{"sender": m.sender, "text": storable(m.text)} | ({"id": m.id} if m.id else {}) for m in window]
    return _encode(rows)


def _row(burst: Burst, closed_at: datetime | None) -> tuple[object, ...]:
    return (
        burst.id,
        burst.platform,
        burst.room,
        burst.thread,
        burst.sender,
        storable(burst.text),
        write_window(burst.window),
        json.dumps(list(burst.message_ids)),
        to_seconds(burst.started_at),
        to_seconds(burst.ended_at),
        CLOSED,
        None if closed_at is None else to_seconds(closed_at),
    )

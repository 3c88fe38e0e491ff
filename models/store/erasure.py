"""Erasing what somebody said from the database, in one transaction: text goes, ids and decisions stay.

Everything that held the text is noted (``erasures``), so that it can be followed into Argilla, datasets and models,
which are rid of it step by step afterwards. What was erased once may be erased again: then what came in between goes.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime

from sqlite_utils import Database

from models.chat import WindowMessage
from models.erasure import ErasureKind, TraceKind
from models.ids import BurstId, ErasureId, EventId, MemberId, RequestId, RoomId
from models.store import erasures, labels
from models.store.bursts import CLOSED, WITHDRAWN, read_window, showing, write_window
from models.store.database import to_seconds, transaction

NOBODY = MemberId("erased")
"""Who sent what was forgotten, as far as the database knows afterwards."""
LATE_S = 3600.0
"""A burst that ended longer than this before an erasure was written down before it."""

_EVENTS = "(SELECT name FROM erasure_traces WHERE erasure = :erasure AND kind = 'event')"
_BURSTS = "(SELECT name FROM erasure_traces WHERE erasure = :erasure AND kind = 'burst')"
_MINE = "sender = :member AND (:room IS NULL OR room = :room)"


def forget_member(db: Database, member: MemberId, room: RoomId | None, at: datetime) -> ErasureId:
    """Erase all that a member said, in one room or (None) in all; returns the erasure's id. Raises StoreError."""
    with transaction(db):
        erasure = erasures.begin(db, ErasureKind.FORGET, member, member, room, at)
        here = {"erasure": erasure, "member": member, "room": room, "needle": json.dumps(member, ensure_ascii=False)}
        _trace(db, TraceKind.EVENT, f"SELECT id FROM events WHERE {_MINE}", here)
        _trace(db, TraceKind.BURST, f"SELECT id FROM bursts WHERE {_MINE}", here)
        _trace(
            db,
            TraceKind.WINDOW,
            "SELECT DISTINCT b.id FROM bursts b, json_each(b.window) w WHERE (:room IS NULL OR b.room = :room) "
            "AND instr(b.window, :needle) AND json_extract(w.value, '$.sender') = :member",
            here,
        )
        for reply in _follow(db, erasure):
            erasures.add(db, erasure, TraceKind.WINDOW, showing(db, reply, room))
        _erase(db, erasure, at, lambda sender: sender == member)
        for table in ("events", "bursts"):
            db.conn.execute(f"UPDATE {table} SET sender = '{NOBODY}' WHERE {_MINE}", here)
    return erasure


def redact(
    db: Database, message: EventId, room: RoomId, at: datetime, again: RequestId | None = None
) -> tuple[ErasureId, BurstId | None] | None:
    """Erase one message with its edits; returns the erasure and the burst it was part of, or None if it is unknown.

    A burst with other messages is decided anew without it, and asked about anew by the request ``again``, if that was
    sent before. Raises StoreError.
    """
    with transaction(db):
        row = db.conn.execute("SELECT burst FROM events WHERE id = ?", [message]).fetchone()
        burst = _burst_with(db, message, room) if row is None else row[0]
        if row is None and burst is None:
            return None
        erasure = erasures.begin(db, ErasureKind.REDACTION, message, None, room, at)
        erasures.add(db, erasure, TraceKind.EVENT, [message])
        erasures.add(db, erasure, TraceKind.BURST, [] if burst is None else [burst])
        for event in (message, *_follow(db, erasure)):
            erasures.add(db, erasure, TraceKind.WINDOW, showing(db, event, room))
        _erase(db, erasure, at, again=again)
    return erasure, None if burst is None else BurstId(burst)


def erase_again(db: Database, erasure: ErasureId) -> None:
    """Erase what was written down since from memory: a burst that closed late, a window that was read just before."""
    found = erasures.get(db, erasure)
    if found is None:
        return
    here = {"erasure": erasure}
    with transaction(db):
        _trace(
            db, TraceKind.BURST, f"SELECT burst FROM events WHERE id IN {_EVENTS} AND NOT is_bot AND burst <> ''", here
        )
        _follow(db, erasure)
        _trace(
            db,
            TraceKind.WINDOW,
            "SELECT DISTINCT b.id FROM bursts b, json_each(b.window) w "
            f"WHERE b.room IN (SELECT room FROM events WHERE id IN {_EVENTS}) AND b.ended_at >= :since "
            f"AND json_extract(w.value, '$.id') IN {_EVENTS}",
            {**here, "since": to_seconds(found.at) - LATE_S},
        )
        _erase(db, erasure, found.at)
        if found.kind is ErasureKind.FORGET:
            db.conn.execute(f"UPDATE bursts SET sender = '{NOBODY}' WHERE id IN {_BURSTS}", here)


def compact(db: Database) -> bool:
    """Write the database file anew without anything deleted, and empty its log; tells whether nobody was in the way.

    Deleted text is overwritten at once (secure_delete), but SQLite leaves copies where it moved rows between pages.
    """
    db.conn.execute("VACUUM")
    return empty_log(db)


def empty_log(db: Database) -> bool:
    """Move the write-ahead log into the database and cut it to nothing; tells whether nobody was in the way."""
    busy, _, _ = db.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


def _burst_with(db: Database, message: EventId, room: RoomId) -> str | None:
    """The burst of a message that was purged from the inbox, where the burst stayed for its label."""
    row = db.conn.execute(
        "SELECT b.id FROM bursts b, json_each(b.message_ids) m WHERE b.room = ? AND m.value = ?", [room, message]
    ).fetchone()
    return None if row is None else str(row[0])


def _trace(db: Database, kind: TraceKind, query: str, here: Mapping[str, object]) -> None:
    """Note the ids that a query of one column finds."""
    db.conn.execute(
        "INSERT OR IGNORE INTO erasure_traces (erasure, kind, name, state) "
        f"SELECT :erasure, '{kind.value}', found.*, 'done' FROM ({query}) found",
        here,
    )


def _follow(db: Database, erasure: ErasureId) -> list[EventId]:
    """Trace edits of what is traced, and the bot's replies to it; returns these."""
    here = {"erasure": erasure}
    _trace(db, TraceKind.EVENT, f"SELECT id FROM events WHERE target IN {_EVENTS} AND kind = 'edit'", here)
    replies = f"SELECT id FROM events WHERE reply_to IN {_EVENTS} AND is_bot"
    found = [EventId(name) for (name,) in db.conn.execute(replies, here).fetchall()]
    erasures.add(db, erasure, TraceKind.EVENT, found)
    return found


def _erase(
    db: Database,
    erasure: ErasureId,
    at: datetime,
    by: Callable[[str], bool] = lambda _: False,
    again: RequestId | None = None,
) -> None:
    """Take what is traced out of events, bursts and windows (there also what ``by`` says of its sender)."""
    here = {"erasure": erasure}
    db.conn.execute(f"UPDATE events SET text = '' WHERE text <> '' AND id IN {_EVENTS}", here)
    events = {trace.name for trace in erasures.traces(db, erasure, TraceKind.EVENT)}
    own = [t.name for t in erasures.traces(db, erasure, TraceKind.BURST) if _rebuild(db, t.name, at)]
    beside = [
        t.name
        for t in erasures.traces(db, erasure, TraceKind.WINDOW)
        if _thin(db, t.name, lambda message: message.id in events or by(message.sender))
    ]
    for burst in own:
        _withdraw(db, erasure, burst, "('pending', 'sent', 'answered', 'amended')", "withdrawn")
        db.conn.execute("UPDATE replies SET text = '' WHERE burst = ?", [burst])
        db.conn.execute(
            "UPDATE requests SET state = 'amended' WHERE id = ? AND burst IN (SELECT id FROM bursts WHERE text <> '')",
            [again],
        )
        labels.void(db, BurstId(burst))
    for burst in beside:
        _withdraw(db, erasure, burst, "('answered')", "withdrawn")  # its label stays, its record goes
        _withdraw(db, erasure, burst, "('pending', 'sent')", "amended")
        db.conn.execute(
            "UPDATE responses SET rewrite = NULL WHERE request IN (SELECT id FROM requests WHERE burst = ?)", [burst]
        )


def _rebuild(db: Database, burst: str, at: datetime) -> bool:
    """Put a burst together from what is left of its messages; tells whether anything of it went."""
    (before,) = db.conn.execute("SELECT text FROM bursts WHERE id = ?", [burst]).fetchone() or ("",)
    rows = db.conn.execute(
        "SELECT e.text FROM bursts b, json_each(b.message_ids) m JOIN events e ON e.id = m.value "
        "WHERE b.id = ? AND e.text <> '' ORDER BY e.seq",
        [burst],
    )
    text = "\n".join(text for (text,) in rows.fetchall())
    if text == before:
        return False
    db.conn.execute(
        "UPDATE bursts SET text = :text, state = :state, closed_at = :at, "
        "window = CASE WHEN :text = '' THEN '[]' ELSE window END WHERE id = :burst",
        {"text": text, "state": CLOSED if text else WITHDRAWN, "at": to_seconds(at), "burst": burst},
    )
    return True


def _thin(db: Database, burst: str, goes: Callable[[WindowMessage], bool]) -> bool:
    """Take messages out of a burst's window; tells whether there were any."""
    (column,) = db.conn.execute("SELECT window FROM bursts WHERE id = ?", [burst]).fetchone() or ("[]",)
    window = read_window(column)
    kept = [message for message in window if not goes(message)]
    if len(kept) < len(window):
        db.conn.execute("UPDATE bursts SET window = ? WHERE id = ?", [write_window(kept), burst])
    return len(kept) < len(window)


def _withdraw(db: Database, erasure: ErasureId, burst: str, states: str, state: str) -> None:
    """Move a burst's requests to a state, and note that their records in Argilla have to go."""
    names = db.conn.execute("SELECT id FROM requests WHERE burst = ?", [burst]).fetchall()
    erasures.add(db, erasure, TraceKind.REQUEST, [name for (name,) in names])
    db.conn.execute(f"UPDATE requests SET state = ? WHERE burst = ? AND state IN {states}", [state, burst])
    db.conn.execute("UPDATE requests SET reworded = 0 WHERE burst = ?", [burst])  # what was said of it counts no more

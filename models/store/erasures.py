"""The book of erasures: what each touched, by ids alone, and what is left to do. ``erasure`` does the erasing."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from models.erasure import Erasure, ErasureKind, Step, Trace, TraceKind
from models.ids import BurstId, CandidateId, ErasureId, EventId, MemberId, RequestId, RoomId
from models.store.database import to_seconds, to_time, transaction

OPEN, DONE = "open", "done"
_LATER = frozenset({TraceKind.REQUEST, TraceKind.DATASET, TraceKind.STEP})
"""What is not rid of the text in the transaction that notes it."""


def member_hash(erasure: ErasureId, member: MemberId) -> str:
    """What an erasure keeps of a member (64 hex digits): enough to check whose it was, not to find out."""
    return hashlib.sha256(f"{erasure}\n{member}".encode("utf-8", "replace")).hexdigest()


def begin(
    db: Database, kind: ErasureKind, subject: str, member: MemberId | None, room: RoomId | None, at: datetime
) -> ErasureId:
    """Open an erasure; the same one at the same time is the same. Its steps are left to do."""
    digest = hashlib.sha256("\x1f".join((kind, subject, room or "", repr(at.timestamp()))).encode("utf-8", "replace"))
    name = ErasureId(digest.hexdigest()[:12])
    with transaction(db):
        db.table("erasures").insert(
            {
                "id": name,
                "kind": kind.value,
                "member_hash": None if member is None else member_hash(name, member),
                "room": room,
                "state": OPEN,
                "at": to_seconds(at),
                "done_at": None,
            },
            ignore=True,
        )
        add(db, name, TraceKind.STEP, [step.value for step in Step])
    return name


def add(db: Database, erasure: ErasureId, kind: TraceKind, names: Sequence[str], detail: str | None = None) -> None:
    """Note what an erasure touches; what is noted already keeps its state."""
    with transaction(db):
        db.conn.executemany(
            "INSERT OR IGNORE INTO erasure_traces (erasure, kind, name, state, detail) VALUES (?, ?, ?, ?, ?)",
            [(erasure, kind.value, name, OPEN if kind in _LATER else DONE, detail) for name in names],
        )


def settle(db: Database, erasure: ErasureId, kind: TraceKind, names: Sequence[str], detail: str | None = None) -> None:
    """Note that things an erasure touched are rid of the text; what was not noted before is noted now."""
    with transaction(db):
        db.conn.executemany(
            "INSERT INTO erasure_traces (erasure, kind, name, state, detail) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (erasure, kind, name) DO UPDATE SET state = excluded.state, "
            "detail = coalesce(excluded.detail, detail)",
            [(erasure, kind.value, name, DONE, detail) for name in names],
        )


def settle_requests(db: Database, requests: Sequence[RequestId]) -> None:
    """Note for all erasures that Argilla has no record of these requests any more."""
    with transaction(db):
        db.conn.executemany(
            "UPDATE erasure_traces SET state = 'done' WHERE kind = 'request' AND name = ?", [(i,) for i in requests]
        )


def unsettled_requests(db: Database) -> list[RequestId]:
    """Requests whose records in Argilla hold erased text, as far as is known."""
    rows = db.conn.execute(
        "SELECT DISTINCT name FROM erasure_traces WHERE kind = 'request' AND state = 'open' ORDER BY name"
    )
    return [RequestId(name) for (name,) in rows.fetchall()]


def close_if_done(db: Database, erasure: ErasureId, at: datetime) -> bool:
    """Close an erasure of which nothing is left to do; tells whether it is closed."""
    with transaction(db):
        left = db.conn.execute(
            "SELECT 1 FROM erasure_traces WHERE erasure = ? AND state = 'open' LIMIT 1", [erasure]
        ).fetchone()
        if left is None:
            db.conn.execute(
                "UPDATE erasures SET state = 'done', done_at = ? WHERE id = ? AND state = 'open'",
                [to_seconds(at), erasure],
            )
    return left is None


def stale_candidates(db: Database, since: datetime | None = None) -> dict[CandidateId, list[ErasureId]]:
    """Candidates that were trained on what was erased (since a moment), with the erasures; newest candidate first."""
    rows = db.conn.execute(
        "SELECT c.id, e.id FROM candidates c "
        "JOIN erasure_traces t ON t.kind = 'dataset' AND t.name = c.dataset "
        "JOIN erasures e ON e.id = t.erasure "
        "WHERE json_extract(t.detail, '$.trained') > 0 AND e.at >= ? ORDER BY c.created_at DESC, c.id, e.seq",
        [0.0 if since is None else to_seconds(since)],
    )
    found: dict[CandidateId, list[ErasureId]] = {}
    for candidate, erasure in rows.fetchall():
        found.setdefault(CandidateId(candidate), []).append(ErasureId(erasure))
    return found


def unfinished(db: Database) -> list[Erasure]:
    """Erasures with something left to do, oldest first."""
    return [_erasure(row) for row in db.query("SELECT * FROM erasures WHERE state = 'open' ORDER BY seq")]


def every(db: Database) -> list[Erasure]:
    """All erasures, oldest first."""
    return [_erasure(row) for row in db.query("SELECT * FROM erasures ORDER BY seq")]


def get(db: Database, erasure: ErasureId) -> Erasure | None:
    """One erasure, or None."""
    row = next(iter(db.query("SELECT * FROM erasures WHERE id = ?", [erasure])), None)
    return None if row is None else _erasure(row)


def traces(db: Database, erasure: ErasureId, *kinds: TraceKind) -> list[Trace]:
    """What an erasure touched, of some kinds or (none named) of all."""
    wanted = [kind.value for kind in kinds or TraceKind]
    rows = db.query(
        f"SELECT * FROM erasure_traces WHERE erasure = ? AND kind IN ({', '.join('?' * len(wanted))}) "
        "ORDER BY kind, name",
        [erasure, *wanted],
    )
    return [
        Trace(kind=TraceKind(row["kind"]), name=row["name"], done=row["state"] == DONE, detail=row["detail"])
        for row in rows
    ]


def bursts_touched(db: Database, erasure: ErasureId) -> list[BurstId]:
    """Bursts that held erased text, in themselves or before them."""
    return [BurstId(trace.name) for trace in traces(db, erasure, TraceKind.BURST, TraceKind.WINDOW)]


def events_after(db: Database, seq: int) -> tuple[int, list[EventId]]:
    """The number of the last erasure, and the messages that those after ``seq`` erased."""
    (last,) = db.conn.execute("SELECT coalesce(max(seq), 0) FROM erasures").fetchone()
    if last <= seq:
        return int(last), []
    rows = db.conn.execute(
        "SELECT t.name FROM erasures e JOIN erasure_traces t ON t.erasure = e.id AND t.kind = 'event' WHERE e.seq > ?",
        [seq],
    )
    return int(last), [EventId(name) for (name,) in rows.fetchall()]


def _erasure(row: Mapping[str, Any]) -> Erasure:
    return Erasure(
        id=ErasureId(row["id"]),
        kind=ErasureKind(row["kind"]),
        member_hash=row["member_hash"],
        room=None if row["room"] is None else RoomId(row["room"]),
        at=to_time(row["at"]),
        done_at=None if row["done_at"] is None else to_time(row["done_at"]),
    )

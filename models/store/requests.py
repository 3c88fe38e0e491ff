"""The outbox: what people are asked, and what of it Argilla has been told."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from models.ids import BurstId, RequestId
from models.labels import IMPORTED, Purpose, Request, RequestState
from models.store import erasures
from models.store.database import to_seconds, to_time, transaction


def insert_request(db: Database, request: Request) -> None:
    """Write a request down once: one that is known already is left as it is."""
    db.conn.execute(
        "INSERT INTO requests (id, burst, strategy, probability, blind, state, created_at, attempts, next_attempt_at, "
        "purpose, round, overlap) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
        [
            request.id,
            request.burst,
            request.strategy,
            request.probability,
            int(request.blind),
            request.state.value,
            to_seconds(request.created_at),
            request.attempts,
            0.0 if request.next_attempt_at is None else to_seconds(request.next_attempt_at),
            request.purpose.value,
            request.round,
            request.overlap,
        ],
    )


def due(db: Database, now: datetime, limit: int) -> list[Request]:
    """Pending requests whose next attempt is due: the least often refused first, and of these the oldest."""
    rows = db.query(
        "SELECT * FROM requests WHERE state = 'pending' AND next_attempt_at <= ? "
        "ORDER BY refusals, created_at, id LIMIT ?",
        [to_seconds(now), limit],
    )
    return [_request(row) for row in rows]


def in_state(db: Database, state: RequestState) -> list[Request]:
    """Requests in one state, oldest first."""
    rows = db.query("SELECT * FROM requests WHERE state = ? ORDER BY created_at, id", [state.value])
    return [_request(row) for row in rows]


def set_state(db: Database, ids: Sequence[RequestId], state: RequestState) -> None:
    """Move requests to a state."""
    with transaction(db):
        db.conn.executemany("UPDATE requests SET state = ?, reworded = 0 WHERE id = ?", [(state.value, i) for i in ids])


def withdraw_reworded(db: Database, ids: Sequence[RequestId]) -> None:
    """Withdraw requests whose words are others by now; what was answered in the old ones is still to be fetched."""
    with transaction(db):
        db.conn.executemany("UPDATE requests SET state = 'withdrawn', reworded = 1 WHERE id = ?", [(i,) for i in ids])


def awaited(db: Database, ids: Sequence[RequestId] | None = None) -> list[RequestId]:
    """Reworded requests (of these, or all) whose records may still stand in Argilla, with answers in the old words."""
    rows = db.conn.execute(
        "SELECT id FROM requests WHERE reworded = 1 AND state = 'withdrawn' AND cleared = 0 ORDER BY id"
    )
    found = [RequestId(name) for (name,) in rows.fetchall()]
    wanted = set(found if ids is None else ids)
    return [name for name in found if name in wanted]


def to_clear(db: Database, limit: int) -> list[RequestId]:
    """Withdrawn requests whose records may still stand in Argilla, those first that somebody had erased."""
    rows = db.conn.execute(
        "SELECT r.id FROM requests r WHERE r.state = 'withdrawn' AND (r.cleared = 0 OR r.id IN "
        "(SELECT name FROM erasure_traces WHERE kind = 'request' AND state = 'open')) "
        "ORDER BY r.id IN (SELECT name FROM erasure_traces WHERE kind = 'request' AND state = 'open') DESC, r.id "
        "LIMIT ?",
        [limit],
    )
    return [RequestId(name) for (name,) in rows.fetchall()]


def to_renew(db: Database, limit: int) -> list[RequestId]:
    """Amended requests, oldest first."""
    rows = db.conn.execute("SELECT id FROM requests WHERE state = 'amended' ORDER BY created_at, id LIMIT ?", [limit])
    return [RequestId(name) for (name,) in rows.fetchall()]


def mark_cleared(db: Database, ids: Sequence[RequestId]) -> None:
    """Note that Argilla has no record of withdrawn requests any more, for all erasures too."""
    with transaction(db):
        db.conn.executemany("UPDATE requests SET cleared = 1 WHERE id = ? AND state = 'withdrawn'", [(i,) for i in ids])
        erasures.settle_requests(db, ids)


def mark_sent(db: Database, ids: Sequence[RequestId]) -> list[RequestId]:
    """Note that requests have arrived in Argilla; returns those that were withdrawn or amended while they were sent.

    What was sent of these is out of date, and may be what somebody wanted erased: they are to be cleared again.
    """
    late: list[RequestId] = []
    with transaction(db):
        for request in ids:
            row = db.conn.execute(
                "UPDATE requests SET state = 'sent', cleared = 0 WHERE id = ? AND state = 'pending'", [request]
            )
            if row.rowcount == 0:
                db.conn.execute("UPDATE requests SET cleared = 0 WHERE id = ?", [request])
                late.append(request)
    return late


def refuse(db: Database, ids: Sequence[RequestId]) -> None:
    """Count a refusal of each; from then on they stand behind those that were refused less often."""
    with transaction(db):
        db.conn.executemany("UPDATE requests SET refusals = refusals + 1 WHERE id = ?", [(i,) for i in ids])


def give_up(db: Database, ids: Sequence[RequestId], limit: int) -> list[RequestId]:
    """Withdraw those that have been refused so often; returns them."""
    with transaction(db):
        over = [
            request
            for request in ids
            if db.conn.execute(
                "SELECT 1 FROM requests WHERE id = ? AND state = 'pending' AND refusals >= ?", [request, limit]
            ).fetchone()
        ]
        set_state(db, over, RequestState.WITHDRAWN)
    return over


def renew(db: Database, ids: Sequence[RequestId]) -> None:
    """Make amended requests due again; those that were withdrawn in the meantime stay so."""
    with transaction(db):
        db.conn.executemany(
            "UPDATE requests SET state = 'pending', attempts = 0, next_attempt_at = 0, cleared = 0, refusals = 0 "
            "WHERE id = ? AND state = 'amended'",
            [(i,) for i in ids],
        )


def amend_about(db: Database, burst: BurstId) -> None:
    """Have what annotators see of a burst made anew: open requests are sent again, records of answered ones go."""
    with transaction(db):
        db.conn.execute(
            "UPDATE requests SET state = CASE state WHEN 'answered' THEN 'withdrawn' ELSE 'amended' END "
            "WHERE burst = ? AND state IN ('pending', 'sent', 'answered')",
            [burst],
        )


def postpone(db: Database, ids: Sequence[RequestId], until: datetime) -> None:
    """Note a failed attempt and when to try again."""
    with transaction(db):
        db.conn.executemany(
            "UPDATE requests SET attempts = attempts + 1, next_attempt_at = ? WHERE id = ?",
            [(to_seconds(until), i) for i in ids],
        )


def asked_since(db: Database, since: datetime) -> int:
    """Requests that the day's budget pays for, since a moment: first ones (audit sample not counted) and reviews."""
    row = db.conn.execute(
        "SELECT count(*) FROM requests WHERE blind = 0 AND created_at >= ? AND purpose IN ('ask', 'renew', 'review') "
        "AND strategy <> ?",
        [to_seconds(since), IMPORTED],
    ).fetchone()
    return int(row[0])


def count(db: Database) -> dict[str, int]:
    """Requests by state."""
    return {row["state"]: row["n"] for row in db.query("SELECT state, count(*) AS n FROM requests GROUP BY state")}


def about(db: Database, burst: BurstId) -> list[Request]:
    """All requests about one burst, in all wordings and states, oldest first."""
    return [
        _request(row) for row in db.query("SELECT * FROM requests WHERE burst = ? ORDER BY created_at, id", [burst])
    ]


def get(db: Database, request: RequestId) -> Request | None:
    """One request, or None."""
    row = next(iter(db.query("SELECT * FROM requests WHERE id = ?", [request])), None)
    return None if row is None else _request(row)


def _request(row: Mapping[str, Any]) -> Request:
    return Request(
        id=RequestId(row["id"]),
        burst=BurstId(row["burst"]),
        strategy=row["strategy"],
        probability=row["probability"],
        blind=bool(row["blind"]),
        state=RequestState(row["state"]),
        created_at=to_time(row["created_at"]),
        attempts=row["attempts"],
        next_attempt_at=to_time(row["next_attempt_at"]) if row["next_attempt_at"] else None,
        purpose=Purpose(row["purpose"]),
        round=row["round"],
        overlap=row["overlap"],
    )

"""The pool that is asked from: unsure bursts about which nobody was asked yet. It is read off routes and requests."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from models.chat import Burst
from models.consent import Mode, lower
from models.decision import Decision
from models.ids import BurstId, RoomId
from models.labels import Request
from models.store import consent, decisions
from models.store.bursts import ROUTED, burst_of
from models.store.database import to_seconds, transaction
from models.store.requests import insert_request

_WAITS = (
    "FROM routes r JOIN bursts b ON b.id = r.burst WHERE r.unsure = 1 AND r.routed_at >= ? AND b.state = ? "
    "AND CASE r.audit WHEN 1 THEN r.probability < 1 "
    "ELSE NOT EXISTS (SELECT 1 FROM requests q WHERE q.burst = r.burst) END"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A burst of the pool with its newest decisions.

    An ``audited`` one is labelled anyway. It takes part so that it is known whether it would have been picked.
    """

    burst: Burst
    decisions: tuple[Decision, ...]
    audited: bool


def waiting(db: Database, since: datetime, limit: int, modes: Callable[[RoomId, str], Mode]) -> list[Waiting]:
    """The pool's newest bursts, routed since a moment, in order of their ends.

    Left out is what its room's mode keeps from annotators by now, and what members said who have opted out since.
    """
    rows = db.query(
        f"SELECT b.*, r.audit AS r_audit, r.mode AS r_mode {_WAITS} ORDER BY r.routed_at DESC LIMIT ?",
        [to_seconds(since), ROUTED, limit],
    )
    outs = consent.opt_outs(db)
    found: list[tuple[Burst, bool]] = []
    for row in rows:
        burst = burst_of(row)
        mode = modes(burst.room, burst.platform)
        readable = lower(mode, Mode(row["r_mode"] or mode)).allows(Mode.LABEL)
        if readable and not outs.is_out(burst.sender, burst.room):
            found.append((burst, bool(row["r_audit"])))
    made = decisions.newest(db, [burst.id for burst, _ in found])
    return [
        Waiting(burst=burst, decisions=made.get(burst.id, ()), audited=audited)
        for burst, audited in sorted(found, key=lambda one: (one[0].ended_at, one[0].id))
    ]


def size(db: Database, since: datetime) -> int:
    """How many bursts routed since a moment could be asked about, if their rooms' modes allow it."""
    return int(db.conn.execute(f"SELECT count(*) {_WAITS}", [to_seconds(since), ROUTED]).fetchone()[0])


def asked_lately(db: Database, limit: int) -> list[str]:
    """Texts of the bursts asked about last, audit sample included."""
    rows = db.conn.execute(
        "SELECT b.text FROM requests q JOIN bursts b ON b.id = q.burst WHERE q.state <> 'withdrawn' "
        "ORDER BY q.created_at DESC LIMIT ?",
        [limit],
    )
    return [text for (text,) in rows.fetchall()]


def pick(db: Database, picked: Sequence[Request], audited: Sequence[BurstId]) -> int:
    """Write requests down, and that ``audited`` bursts would have been asked about anyway; returns how many were new.

    What has left the pool since it was read is left alone.
    """
    new = 0
    with transaction(db):
        for request in picked:
            row = db.conn.execute(f"SELECT 1 {_WAITS} AND r.burst = ?", [0.0, ROUTED, request.burst]).fetchone()
            if row is not None:
                insert_request(db, request)
                new += 1
        db.conn.executemany(
            "UPDATE routes SET probability = 1 WHERE burst = ? AND audit = 1 AND unsure = 1",
            [(burst,) for burst in audited],
        )
    return new

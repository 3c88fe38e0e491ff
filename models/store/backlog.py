"""What Argilla is still to be told, counted."""

from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from models.store.database import to_time


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What Argilla is still to be told: how many requests wait to be sent and since when, and how often that failed.

    ``to_take_back`` counts records that are to be deleted there, ``given_up`` requests that it refused too often.
    """

    to_send: int
    since: datetime | None
    attempts: int
    next_attempt_at: datetime | None
    to_take_back: int
    given_up: int


def count(db: Database, refusals_max: int) -> Backlog:
    """Count what Argilla is still to be told."""
    to_send, since, attempts, next_at = db.conn.execute(
        "SELECT count(*), min(created_at), max(attempts), min(next_attempt_at) FROM requests WHERE state = 'pending'"
    ).fetchone()
    (back,) = db.conn.execute(
        "SELECT count(*) FROM requests WHERE state = 'amended' OR (state = 'withdrawn' AND cleared = 0)"
    ).fetchone()
    (given_up,) = db.conn.execute("SELECT count(*) FROM requests WHERE refusals >= ?", [refusals_max]).fetchone()
    return Backlog(
        to_send=to_send,
        since=None if since is None else to_time(since),
        attempts=attempts or 0,
        next_attempt_at=to_time(next_at) if next_at else None,
        to_take_back=back,
        given_up=given_up,
    )

"""Making deletion in an embedded Argilla physical, from outside, whether its server runs or not."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from models.errors import LabelingError
from models.ids import RequestId

DATABASES = ("argilla.db", "text.db", "vectors.db", "jobs.db")
"""Argilla's own database, the indexes beside it, and the jobs that wait, in its home."""
_TIMEOUT_S = 30.0
_BATCH = 500


def scrub(home: Path) -> bool:
    """Write the databases anew without what was deleted, and empty their logs; tells whether nobody was in the way.

    SQLite leaves copies of deleted text where it moved rows, and in its log. Raises LabelingError.
    """
    clean = True
    for path in _databases(home):
        try:
            with closing(sqlite3.connect(path, timeout=_TIMEOUT_S, isolation_level=None)) as db:
                db.execute("PRAGMA secure_delete = ON")
                db.execute("VACUUM")
                (busy, _, _) = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                clean = clean and not busy
        except sqlite3.Error as error:
            raise LabelingError(f"{path} could not be rid of what was deleted: {error}; it is tried again") from error
    return clean


def records_of(home: Path, requests: Sequence[RequestId]) -> int:
    """Count the records of requests that still stand in an embedded Argilla; raises LabelingError."""
    path = home / DATABASES[0]
    if not path.exists():
        return 0
    found = 0
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=_TIMEOUT_S)) as db:
            for start in range(0, len(requests), _BATCH):
                some = requests[start : start + _BATCH]
                query = f"SELECT count(*) FROM records WHERE external_id IN ({', '.join('?' * len(some))})"
                found += int(db.execute(query, list(some)).fetchone()[0])
    except sqlite3.Error as error:
        raise LabelingError(f"{path} cannot be read: {error}") from error
    return found


def logs_empty(home: Path) -> bool:
    """Tell whether no write-ahead log of an embedded Argilla holds anything."""
    logs = [path.with_name(f"{path.name}-wal") for path in _databases(home)]
    return all(not log.exists() or log.stat().st_size == 0 for log in logs)


def _databases(home: Path) -> list[Path]:
    return [home / name for name in DATABASES if (home / name).exists()]

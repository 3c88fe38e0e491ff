"""Opening the database: one SQLite file, write-ahead log, deleted text overwritten, migrated to the newest schema."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlite_utils import Database as Database  # noqa: PLC0414 - verbs elsewhere name the type from here

from models.errors import StoreError
from models.store.schema import migrations

__all__ = ["FILE", "Database", "open_database", "storable", "to_seconds", "to_time", "transaction"]

FILE = "quandary.db"
BUSY_TIMEOUT_S = 30.0
PRAGMAS = (
    "journal_mode = WAL",
    "secure_delete = ON",
    "synchronous = NORMAL",
    "foreign_keys = ON",
    "cache_size = -32768",
    "wal_autocheckpoint = 4000",
)
"""A transaction outlives a kill of the process; a loss of power may undo the last ones, and corrupts nothing.

The page cache is 32 MiB, so that a long history's indexes stay in it; the log is copied back every 16 MiB.
"""


def open_database(data_dir: Path) -> Database:
    """Open (or create) the database in the data directory; raises StoreError where that is impossible.

    A data directory that is made here is open to its owner alone, for it holds what people said.
    The connection may be used by one thread at a time, whichever it is.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        connection = sqlite3.connect(data_dir / FILE, timeout=BUSY_TIMEOUT_S, check_same_thread=False)
        (data_dir / FILE).chmod(0o600)
        db = Database(connection)
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        migrations.apply(db)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"cannot open the database {data_dir / FILE}: {error}; check path, rights and disk") from error
    return db


@contextmanager
def transaction(db: Database) -> Iterator[None]:
    """Do all of it or nothing; takes the write lock at once, so that a busy database makes us wait, not fail.

    Raises StoreError where the database refuses (disk full, lock held too long, malformed).
    """
    try:
        if db.conn.in_transaction:
            with db.atomic():
                yield
            return
        db.conn.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            db.conn.rollback()
            raise
        db.conn.commit()
    except sqlite3.Error as error:
        raise StoreError(f"the database did not take a change: {error}; nothing of it was kept") from error


def to_seconds(moment: datetime) -> float:
    """Times are stored as seconds since 1970, UTC."""
    return moment.timestamp()


def to_time(seconds: float) -> datetime:
    """The inverse of ``to_seconds``."""
    return datetime.fromtimestamp(seconds, UTC)


def storable(text: str) -> str:
    """Make text fit for SQLite: a lone surrogate, which UTF-8 cannot hold, becomes U+FFFD."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

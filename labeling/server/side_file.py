"""Index files beside Argilla's database: SQLite files that hold nothing that cannot be made again from the records."""

import sqlite3
from pathlib import Path


def open_side_file(path: Path, schema: str, layout: int) -> sqlite3.Connection:
    """Open an index file, starting an empty one where there is none, or a damaged one, or one of another layout.

    ``schema`` is SQL that makes the tables of this ``layout``, a number above 0 that the file carries. Deleted rows are
    overwritten. The connection may be used from any thread, one at a time.
    """
    db = _connect(path)
    try:
        (found,) = db.execute("PRAGMA user_version").fetchone()
        if found == layout:
            return db
    except sqlite3.DatabaseError:
        pass  # not a database at all: as good as none, since the records can be indexed again
    db.close()
    for name in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
        name.unlink(missing_ok=True)
    db = _connect(path)
    db.executescript(f"{schema}\nPRAGMA user_version = {layout};")
    return db


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, check_same_thread=False, timeout=30.0)
    try:
        db.execute("PRAGMA secure_delete = ON")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")  # a lost tail is noticed and rebuilt at the next start
    except sqlite3.DatabaseError:
        pass  # a damaged file; open_side_file looks at it next
    return db

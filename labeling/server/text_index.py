"""Full-text index over records: an FTS5 table in a file beside Argilla's database.

It holds nothing that cannot be rebuilt from the records. Every character of Chinese, Japanese and Korean is a word of
its own here, so that a query of one or two of them finds what it should.
"""

import re
import sqlite3
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

ANY_FIELD = ""
_LAYOUT = 1
_IDEOGRAPH = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")
_TERM = re.compile(r'(?P<minus>-?)(?:"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+))')

_SCHEMA = f"""
CREATE TABLE entry (id INTEGER PRIMARY KEY, record TEXT NOT NULL, dataset TEXT NOT NULL, field TEXT NOT NULL,
                    UNIQUE (record, field));
CREATE INDEX entry_dataset ON entry (dataset, field);
CREATE VIRTUAL TABLE words USING fts5 (text, tokenize = 'unicode61 remove_diacritics 2');
PRAGMA user_version = {_LAYOUT};
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """The searchable text of one record: text by field name. Ids are in hexadecimal, as Argilla's database has them."""

    record: str
    dataset: str
    fields: dict[str, str]


class TextIndex:
    """The index file. Calls block and may come from any thread; one lock serves them one at a time."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._db = _open(path)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def put(self, entries: Iterable[Entry]) -> None:
        """Add records, or replace them."""
        with self._lock, self._db:
            for entry in entries:
                self._remove([entry.record])
                texts = {**entry.fields, ANY_FIELD: "\n".join(entry.fields.values())}
                for field, text in texts.items():
                    row = self._db.execute(
                        "INSERT INTO entry (record, dataset, field) VALUES (?, ?, ?)",
                        (entry.record, entry.dataset, field),
                    ).lastrowid
                    self._db.execute("INSERT INTO words (rowid, text) VALUES (?, ?)", (row, _spaced(text)))

    def remove(self, records: Sequence[str]) -> None:
        """Forget records, down to the words in the index's own pages."""
        with self._lock:
            with self._db:
                self._remove(records)
                self._db.execute("INSERT INTO words (words) VALUES ('optimize')")
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def remove_dataset(self, dataset: str) -> None:
        """Forget all records of a dataset."""
        with self._lock:
            rows = self._db.execute("SELECT DISTINCT record FROM entry WHERE dataset = ?", (dataset,)).fetchall()
        self.remove([record for (record,) in rows])

    def count(self, dataset: str) -> int:
        """Count the indexed records of a dataset."""
        query = "SELECT count(*) FROM entry WHERE dataset = ? AND field = ?"
        with self._lock:
            (count,) = self._db.execute(query, (dataset, ANY_FIELD)).fetchone()
        return int(count)

    def search(self, dataset: str, query: str, field: str | None = None) -> list[tuple[str, float]]:
        """Find records that hold all words of a query, best first, with a score (higher is better).

        Words in double quotes are a phrase, ``word*`` is a prefix, ``-word`` must not occur; all else is plain text.
        """
        match = match_expression(query)
        if match is None:
            return []
        with self._lock:
            found = self._db.execute(
                "SELECT entry.record, -bm25(words) FROM words JOIN entry ON entry.id = words.rowid"
                " WHERE words MATCH ? AND entry.dataset = ? AND entry.field = ? ORDER BY bm25(words), entry.id",
                (match, dataset, field or ANY_FIELD),
            ).fetchall()
        return [(record, float(score)) for record, score in found]

    def _remove(self, records: Sequence[str]) -> None:
        for record in records:
            self._db.execute("DELETE FROM words WHERE rowid IN (SELECT id FROM entry WHERE record = ?)", (record,))
            self._db.execute("DELETE FROM entry WHERE record = ?", (record,))


def match_expression(query: str) -> str | None:
    """Translate what somebody typed into an FTS5 expression; None where nothing in it can be searched for."""
    wanted: list[str] = []
    unwanted: list[str] = []
    for term in _TERM.finditer(query.replace("\0", " ")):
        text = term["phrase"] if term["phrase"] is not None else term["word"]
        prefix = term["phrase"] is None and text.endswith("*")
        text = _spaced(text.replace("*", " ")).strip()
        if not any(c.isalnum() for c in text):
            continue
        quoted = f'"{text}"' + ("*" if prefix else "")
        (unwanted if term["minus"] else wanted).append(quoted)
    if not wanted:
        return None
    expression = " AND ".join(wanted)
    return f"({expression}) NOT ({' OR '.join(unwanted)})" if unwanted else expression


def _spaced(text: str) -> str:
    return _IDEOGRAPH.sub(r" \g<0> ", text)


def _open(path: Path) -> sqlite3.Connection:
    """Open the index, starting an empty one where there is none, or a damaged one, or one of another layout."""
    db = _connect(path)
    try:
        (layout,) = db.execute("PRAGMA user_version").fetchone()
        if layout == _LAYOUT:
            return db
    except sqlite3.DatabaseError:
        pass  # not a database at all: as good as none, since the records can be indexed again
    db.close()
    for name in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
        name.unlink(missing_ok=True)
    db = _connect(path)
    db.executescript(_SCHEMA)
    return db


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, check_same_thread=False, timeout=30.0)
    try:
        db.execute("PRAGMA secure_delete = ON")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")  # a lost tail is noticed and rebuilt at the next start
    except sqlite3.DatabaseError:
        pass  # a damaged file; _open looks at it next
    return db

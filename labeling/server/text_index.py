"""Full-text index over records: an FTS5 table in a file beside Argilla's database."""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from labeling.server.side_file import open_side_file
from labeling.server.text_query import fold, text_match

ANY_FIELD = ""
_LAYOUT = 2
_SCHEMA = """
CREATE TABLE entry (id INTEGER PRIMARY KEY, record TEXT NOT NULL, dataset TEXT NOT NULL, field TEXT NOT NULL,
                    UNIQUE (record, field));
CREATE INDEX entry_dataset ON entry (dataset, field, record);
CREATE VIRTUAL TABLE words USING fts5 (text, tokenize = 'unicode61 remove_diacritics 2');
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
        self._db = open_side_file(path, _SCHEMA, _LAYOUT)

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
                    self._db.execute("INSERT INTO words (rowid, text) VALUES (?, ?)", (row, fold(text)))

    def remove(self, records: Sequence[str]) -> None:
        """Forget records, down to the words in the index's own pages."""
        with self._lock:
            with self._db:
                self._remove(records)
                self._db.execute("INSERT INTO words (words) VALUES ('optimize')")
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def remove_dataset(self, dataset: str) -> None:
        """Forget all records of a dataset."""
        self.remove(sorted(self.records(dataset)))

    def datasets(self) -> set[str]:
        """Name the datasets that have indexed records."""
        with self._lock:
            return {dataset for (dataset,) in self._db.execute("SELECT DISTINCT dataset FROM entry")}

    def records(self, dataset: str) -> set[str]:
        """Name the indexed records of a dataset."""
        query = "SELECT record FROM entry WHERE dataset = ? AND field = ?"
        with self._lock:
            return {record for (record,) in self._db.execute(query, (dataset, ANY_FIELD))}

    def search(self, dataset: str, query: str, field: str | None = None) -> list[tuple[str, float]]:
        """Find the records that match a query (see ``text_match``), best first, with a score (higher is better)."""
        match = text_match(query)
        if match is None:
            return []
        where = (match.expression, dataset, field or ANY_FIELD)
        if match.negated:
            found = (
                "SELECT record, 0.0 FROM entry WHERE id NOT IN (SELECT rowid FROM words WHERE words MATCH ?)"
                " AND dataset = ? AND field = ? ORDER BY id"
            )
        else:
            found = (
                "SELECT entry.record, -bm25(words) FROM words JOIN entry ON entry.id = words.rowid"
                " WHERE words MATCH ? AND entry.dataset = ? AND entry.field = ? ORDER BY bm25(words), entry.id"
            )
        with self._lock:
            return [(record, float(score)) for record, score in self._db.execute(found, where)]

    def _remove(self, records: Sequence[str]) -> None:
        for record in records:
            self._db.execute("DELETE FROM words WHERE rowid IN (SELECT id FROM entry WHERE record = ?)", (record,))
            self._db.execute("DELETE FROM entry WHERE record = ?", (record,))

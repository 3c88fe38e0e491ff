"""Vectors of records, for "find similar": unit vectors of float32 in a file beside Argilla's database.

Argilla keeps them as JSON, which would have to be parsed for every search. Search is exact: it compares with all of one
kind. Those searched last stay in memory until any vector changes (50,000 with 128 numbers take 26 MB).
"""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from labeling.server.side_file import open_side_file

_LAYOUT = 1
_SCHEMA = """
CREATE TABLE vector (settings TEXT NOT NULL, record TEXT NOT NULL, dataset TEXT NOT NULL, value BLOB NOT NULL,
                     PRIMARY KEY (settings, record)) WITHOUT ROWID;
CREATE INDEX vector_record ON vector (record);
CREATE INDEX vector_dataset ON vector (dataset);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedVector:
    """One vector of one record; ``settings`` is which of a dataset's vectors it is. Ids are in hexadecimal."""

    settings: str
    record: str
    dataset: str
    value: Sequence[float]


class VectorIndex:
    """The index file. Calls block and may come from any thread; one lock serves them one at a time."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._db = open_side_file(path, _SCHEMA, _LAYOUT)
        self._searched: _Kind | None = None

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def put(self, vectors: Iterable[IndexedVector]) -> None:
        """Add vectors, or replace them."""
        rows = [(v.settings, v.record, v.dataset, _unit(v.value).tobytes()) for v in vectors]
        with self._lock, self._db:
            self._searched = None
            self._db.executemany("INSERT OR REPLACE INTO vector VALUES (?, ?, ?, ?)", rows)

    def remove(self, records: Sequence[str]) -> None:
        """Forget all vectors of records."""
        with self._lock:
            self._searched = None
            with self._db:
                self._db.executemany("DELETE FROM vector WHERE record = ?", [(record,) for record in records])
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def remove_dataset(self, dataset: str) -> None:
        """Forget all vectors of a dataset."""
        with self._lock:
            self._searched = None
            with self._db:
                self._db.execute("DELETE FROM vector WHERE dataset = ?", (dataset,))
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def datasets(self) -> set[str]:
        """Name the datasets that have vectors here."""
        with self._lock:
            return {dataset for (dataset,) in self._db.execute("SELECT DISTINCT dataset FROM vector")}

    def keys(self, dataset: str) -> set[tuple[str, str]]:
        """Name the vectors of a dataset: settings and record."""
        with self._lock:
            return set(self._db.execute("SELECT settings, record FROM vector WHERE dataset = ?", (dataset,)))

    def remove_keys(self, keys: Iterable[tuple[str, str]]) -> None:
        """Forget single vectors."""
        with self._lock, self._db:
            self._searched = None
            self._db.executemany("DELETE FROM vector WHERE settings = ? AND record = ?", list(keys))

    def nearest(self, settings: str, wanted: Sequence[float], *, farthest: bool = False) -> "Ranking":
        """Order all records by the cosine to a vector, best first; scores (0..1) are half of 1 + cosine.

        With ``farthest`` the vector's opposite is what they are compared with. Vectors of another length are left out.
        """
        target = _unit(wanted) * np.float32(-1 if farthest else 1)
        kind = self._kind(settings, target.size)
        scores = (1 + kind.vectors @ target) / 2
        return Ranking(records=kind.records, scores=scores, best=np.argsort(-scores, kind="stable"))

    def _kind(self, settings: str, length: int) -> "_Kind":
        with self._lock:
            known = self._searched
            if known is None or (known.settings, known.vectors.shape[1]) != (settings, length):
                query = "SELECT record, value FROM vector WHERE settings = ? AND length(value) = ?"
                rows = self._db.execute(query, (settings, 4 * length)).fetchall()
                joined = np.frombuffer(b"".join([value for _, value in rows]), dtype=np.float32)
                records = tuple(record for record, _ in rows)
                known = _Kind(settings=settings, records=records, vectors=joined.reshape(-1, length))
                self._searched = known
            return known


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """All records of a kind in order; only the parts that are looked at are spelled out.

    ``scores`` (n,) stand in the order of ``records``; ``best`` (n,) are places in both, best first.
    """

    records: tuple[str, ...]
    scores: NDArray[np.floating]
    best: NDArray[np.intp]

    def __len__(self) -> int:
        """How many records there are."""
        return len(self.best)

    def part(self, start: int, stop: int) -> list[tuple[str, float]]:
        """Records and scores of these ranks, as far as there are any."""
        places = self.best[start:stop]
        return [
            (self.records[i], score) for i, score in zip(places.tolist(), self.scores[places].tolist(), strict=True)
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """All vectors (n, length) of one kind, and whose they are."""

    settings: str
    records: tuple[str, ...]
    vectors: NDArray[np.float32]


def _unit(value: Sequence[float]) -> NDArray[np.float32]:
    """Scale to length 1; zeros stay zeros, and are as near to anything as what stands at a right angle."""
    vector = np.nan_to_num(np.asarray(value, dtype=np.float64), posinf=0.0, neginf=0.0)
    largest = np.abs(vector).max(initial=0.0)
    if largest > 0:
        vector = vector / largest  # so that no square overflows
        vector = vector / np.linalg.norm(vector)
    return vector.astype(np.float32)

"""Jobs that wait or run, on disk: what a restart takes up again."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from uuid import UUID

from labeling.server.job_board import Job
from labeling.server.side_file import open_side_file

FILE = "jobs.db"
_LAYOUT = 1
_SCHEMA = """
CREATE TABLE job (place INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, lane TEXT NOT NULL, name TEXT NOT NULL,
                  args TEXT NOT NULL, created_at TEXT NOT NULL);
"""


class JobStore:
    """The file, written in the order of the calls by a thread of its own; calls do not wait for it, except ``load``.

    A killed process may lose what was queued in its last moment, as it may lose the change that led to it.
    """

    def __init__(self, home: Path) -> None:
        self._db = open_side_file(home / FILE, _SCHEMA, _LAYOUT)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="job-store")

    def put(self, job: Job) -> None:
        """Keep a job."""
        row = (job.id, job.lane, job.name, json.dumps([_packed(a) for a in job.args]), job.created_at.isoformat())
        insert = "INSERT OR IGNORE INTO job (id, lane, name, args, created_at) VALUES (?, ?, ?, ?, ?)"
        self._thread.submit(self._write, insert, row)

    def remove(self, job: Job) -> None:
        """Forget a job: it has ended, or was dropped."""
        self._thread.submit(self._write, "DELETE FROM job WHERE id = ?", (job.id,))

    def load(self) -> list[Job]:
        """Read all jobs, oldest first; blocks."""
        query = "SELECT id, lane, name, args, created_at FROM job ORDER BY place"
        rows = self._thread.submit(lambda: self._db.execute(query).fetchall()).result()
        return [
            Job(
                id=id_,
                lane=lane,
                name=name,
                args=tuple(_unpacked(a) for a in json.loads(args)),
                created_at=datetime.fromisoformat(created_at),
            )
            for id_, lane, name, args, created_at in rows
        ]

    def close(self) -> None:
        """Write what is left and close the file; blocks."""
        self._thread.shutdown()
        self._db.close()

    def _write(self, statement: str, row: Sequence[object]) -> None:
        with self._db:
            self._db.execute(statement, row)


def _packed(value: object) -> object:
    if isinstance(value, UUID):
        return {"$uuid": str(value)}
    if isinstance(value, datetime):
        return {"$time": value.isoformat()}
    return value


def _unpacked(value: object) -> object:
    if isinstance(value, dict) and len(value) == 1:
        if "$uuid" in value:
            return UUID(value["$uuid"])
        if "$time" in value:
            return datetime.fromisoformat(value["$time"])
    return value

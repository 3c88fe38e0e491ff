"""Argilla's background jobs as rq would know them: each job's state, and the few Redis commands that ask for it."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

FINISHED_KEPT = 200


class JobState(StrEnum):
    """A job's state, in rq's words."""

    QUEUED = "queued"
    STARTED = "started"
    FINISHED = "finished"
    FAILED = "failed"


@dataclass(slots=True, kw_only=True)
class Job:
    """One call that waits, runs or has ended: the name of what is called, its arguments, and the lane it waits in."""

    id: str
    lane: str
    name: str
    args: Sequence[object]
    state: JobState = JobState.QUEUED
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def get_status(self, **_options: object) -> str:
        """Answer as rq's Job does."""
        return self.state.value


class JobBoard:
    """All jobs by id, and the three Redis commands that argilla_server sends to find one."""

    def __init__(self) -> None:
        self._jobs: OrderedDict[str, Job] = OrderedDict()

    def add(self, job: Job) -> None:
        """Remember a job, forgetting the oldest that have ended."""
        self._jobs[job.id] = job
        ended = [j.id for j in self._jobs.values() if j.state in (JobState.FINISHED, JobState.FAILED)]
        for name in ended[: max(0, len(ended) - FINISHED_KEPT)]:
            del self._jobs[name]

    def ping(self) -> bool:
        """Answer Argilla's start-up check."""
        return True

    def hgetall(self, key: str | bytes) -> dict[bytes, bytes]:
        """Give a job as rq stores it, or nothing for one that is unknown."""
        job = self._find(key)
        if job is None:
            return {}
        created = job.created_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return {b"data": b"", b"created_at": created.encode(), b"status": job.state.value.encode()}

    def hget(self, key: str | bytes, name: str) -> bytes | None:
        """Give one field of a job as rq stores it."""
        return self.hgetall(key).get(name.encode())

    def _find(self, key: str | bytes) -> Job | None:
        name = key.decode() if isinstance(key, bytes) else key
        return self._jobs.get(name.removeprefix("rq:job:"))

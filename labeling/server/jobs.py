"""Argilla's background jobs in this process: what stands in for Redis and its workers.

argilla_server decorates coroutines with rq's ``@job(QUEUE)``, whose ``.delay()`` calls ``QUEUE.enqueue_call``. Each of
the two queues runs one job at a time, so that at most two run at once and a dead webhook cannot hold up the rest.
"""

import asyncio
import logging
import uuid
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from types import ModuleType
from typing import Any

WAITING_MAX = 1000
FINISHED_KEPT = 200
ATTEMPTS = 3
RETRY_AFTER_S = (1.0, 5.0)

_LOG = logging.getLogger("labeling.server.jobs")

Body = Callable[..., Awaitable[None]]


class JobState(StrEnum):
    """A job's state, in rq's words."""

    QUEUED = "queued"
    STARTED = "started"
    FINISHED = "finished"
    FAILED = "failed"


@dataclass(slots=True, kw_only=True)
class Job:
    """One call that waits, runs or has ended."""

    id: str
    body: Body
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

    def forget(self, job: Job) -> None:
        """Drop a job that will not run."""
        self._jobs.pop(job.id, None)

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


class JobQueue:
    """A bounded queue that runs its jobs one after another in the server's event loop."""

    def __init__(self, name: str, board: JobBoard) -> None:
        self.name = name
        self._board = board
        self._waiting: deque[Job] = deque()
        self._worker: asyncio.Task[None] | None = None

    def enqueue_call(self, func: Body, args: Sequence[object] = (), **_options: object) -> Job:
        """Queue a job; rq's options (time limits, retries ...) are ours to set, so they are not looked at.

        A job that already waits with the same arguments is not queued twice. When the queue is full the job is dropped
        and logged: the caller is answering somebody's request and must not fail for it.
        """
        body = OFF_LOOP.get(func.__name__, func)
        for waiting in self._waiting:
            if waiting.body is body and waiting.args == args:
                return waiting
        job = Job(id=str(uuid.uuid4()), body=body, args=args)
        if len(self._waiting) >= WAITING_MAX:
            job.state = JobState.FAILED
            _LOG.warning("queue %s is full (%d jobs): dropped %s", self.name, WAITING_MAX, func.__name__)
            return job
        self._board.add(job)
        self._waiting.append(job)
        if self._worker is None or self._worker.done():
            self._worker = asyncio.get_running_loop().create_task(self._work(), name=f"jobs-{self.name}")
        return job

    async def _work(self) -> None:
        while self._waiting:
            job = self._waiting.popleft()
            job.state = JobState.STARTED
            job.state = JobState.FINISHED if await self._attempt(job) else JobState.FAILED

    async def _attempt(self, job: Job) -> bool:
        for attempt in range(ATTEMPTS):
            try:
                await job.body(*job.args)
            except Exception as error:  # noqa: BLE001 - a job may fail in any way; the queue has to go on
                _LOG.warning("job %s failed (attempt %d): %s", job.body.__name__, attempt + 1, type(error).__name__)
            else:
                return True
            if attempt < len(RETRY_AFTER_S):
                await asyncio.sleep(RETRY_AFTER_S[attempt])
        return False


async def _notify_event(*args: Any) -> None:
    from labeling.server import webhooks  # noqa: PLC0415 - argilla_server itself cannot be imported before this module

    await webhooks.notify(*args)


OFF_LOOP: dict[str, Body] = {"notify_event_job": _notify_event}
"""Jobs whose bodies would block the event loop, by name, with what runs instead."""


def as_module() -> ModuleType:
    """Make the module that argilla_server imports as ``argilla_server.jobs.queues``."""
    board = JobBoard()
    module = ModuleType("argilla_server.jobs.queues", "Queues in memory, put here by labeling.server.jobs.")
    module.__dict__.update(
        REDIS_CONNECTION=board,
        DEFAULT_QUEUE=JobQueue("default", board),
        HIGH_QUEUE=JobQueue("high", board),
        JOB_TIMEOUT_DISABLED=-1,
    )
    return module

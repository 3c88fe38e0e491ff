"""Argilla's background jobs in this process: what stands in for Redis and its workers.

argilla_server decorates coroutines with rq's ``@job(QUEUE)``, whose ``.delay()`` calls ``QUEUE.enqueue_call``. Jobs
wait in lanes: one for Argilla's own work, and one for each webhook. A lane runs its jobs one after another and is
bounded, so a webhook that is dead holds up nothing but its own events, and of these only the latest wait. What waits
survives a restart, and may then run twice, as with Redis.
"""

import asyncio
import logging
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

from labeling.server.job_board import Job, JobBoard, JobState
from labeling.server.job_store import JobStore

_LOG = logging.getLogger("labeling.server.jobs")

Body = Callable[..., Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneRule:
    """How a lane treats its jobs.

    At most ``waiting_max`` wait; of more the newest is refused, or, ``latest``, the oldest given up. A failed job is
    tried again after each of ``retry_after_s``. One older than ``age_max_s`` is not tried any more.
    """

    waiting_max: int
    latest: bool
    retry_after_s: tuple[float, ...]
    age_max_s: float


OWN = LaneRule(waiting_max=1000, latest=False, retry_after_s=(1.0, 5.0), age_max_s=float("inf"))
# An event holds text, so it must not wait for longer than an erasure may take.
WEBHOOK = LaneRule(waiting_max=100, latest=True, retry_after_s=(1.0, 10.0, 60.0), age_max_s=3600.0)

_OWN_LANE = "own"
_NOTIFY = "notify_event_job"
_REFUSED = frozenset({"import_dataset_from_hub_job", "export_dataset_to_hub_job"})
"""Jobs that fail at once: an embedded server does not reach the Hugging Face Hub, whose token they would hold."""


class JobLanes:
    """All lanes. ``bodies`` say what runs for a job's name; a name that is missing there fails."""

    def __init__(self, store: JobStore, rules: Callable[[str], LaneRule] | None = None) -> None:
        self.board = JobBoard()
        self._store = store
        self._rule = rules or (lambda lane: OWN if lane == _OWN_LANE else WEBHOOK)
        self._bodies: dict[str, Body] = {}
        self._waiting: dict[str, deque[Job]] = {}
        self._workers: dict[str, asyncio.Task[None]] = {}

    def enqueue(self, name: str, args: Sequence[object]) -> Job:
        """Queue a job, unless an equal one waits already, and give it; never fails, as a request is being answered.

        A job that is refused, because its lane is full or its kind is, is logged and comes back as failed.
        """
        lane = f"webhook {args[0]}" if name == _NOTIFY else _OWN_LANE
        waiting, rule = self._waiting.setdefault(lane, deque()), self._rule(lane)
        for other in waiting:
            if other.name == name and list(other.args) == list(args):
                return other
        job = Job(id=str(uuid.uuid4()), lane=lane, name=name, args=args)
        if name in _REFUSED or (len(waiting) >= rule.waiting_max and not rule.latest):
            job.state = JobState.FAILED
            job.args = ()
            self.board.add(job)
            _LOG.warning("refused job %s: %d wait in lane %s", name, len(waiting), lane)
            return job
        while len(waiting) >= rule.waiting_max:
            self._end(waiting.popleft(), JobState.FAILED)
        self._store.put(job)
        self._start(job)
        return job

    def resume(self, bodies: Mapping[str, Body]) -> int:
        """Learn what runs, and take up the jobs that a former process left; returns how many. Blocks for a moment."""
        self._bodies.update(bodies)
        left = self._store.load()
        for job in left:
            self._start(job)
        return len(left)

    async def close(self) -> None:
        """Stop; what waits or runs is taken up by the next process."""
        for worker in list(self._workers.values()):
            worker.cancel()
        await asyncio.gather(*self._workers.values(), return_exceptions=True)
        await asyncio.to_thread(self._store.close)

    def _start(self, job: Job) -> None:
        self.board.add(job)
        self._waiting.setdefault(job.lane, deque()).append(job)
        if job.lane not in self._workers:
            work = self._work(job.lane)
            self._workers[job.lane] = asyncio.get_running_loop().create_task(work, name=f"jobs {job.lane}")

    def _end(self, job: Job, state: JobState) -> None:
        job.state = state
        job.args = ()
        self._store.remove(job)

    async def _work(self, lane: str) -> None:
        waiting, rule = self._waiting[lane], self._rule(lane)
        try:
            while waiting:
                job = waiting.popleft()
                job.state = JobState.STARTED
                done = await self._attempt(job, rule)
                self._end(job, JobState.FINISHED if done else JobState.FAILED)
        finally:
            del self._workers[lane]
            if not waiting:
                del self._waiting[lane]

    async def _attempt(self, job: Job, rule: LaneRule) -> bool:
        body = self._bodies.get(job.name)
        if body is None:
            _LOG.warning("job %s is unknown", job.name)
            return False
        for pause_s in (*rule.retry_after_s, None):
            if (datetime.now(UTC) - job.created_at).total_seconds() > rule.age_max_s:
                _LOG.warning("job %s is too old in lane %s", job.name, job.lane)
                return False
            try:
                await body(*job.args)
            except Exception as error:  # noqa: BLE001 - a job may fail in any way; the lane has to go on
                _LOG.warning("job %s failed in lane %s: %s", job.name, job.lane, type(error).__name__)
            else:
                return True
            if pause_s is not None:
                await asyncio.sleep(pause_s)
        return False


class JobQueue:
    """What argilla_server takes for an rq queue."""

    def __init__(self, lanes: JobLanes) -> None:
        self._lanes = lanes

    def enqueue_call(
        self,
        func: Body,
        args: Sequence[object] = (),
        kwargs: Mapping[str, object] | None = None,
        **_options: object,
    ) -> Job:
        """Queue a job; rq's options (time limits, retries ...) are ours to set, so they are not looked at."""
        return self._lanes.enqueue(func.__name__, [*args, *(kwargs or {}).values()])


def as_module(lanes: JobLanes) -> ModuleType:
    """Make the module that argilla_server imports as ``argilla_server.jobs.queues``."""
    module = ModuleType("argilla_server.jobs.queues", "Lanes in this process, put here by labeling.server.jobs.")
    contents: dict[str, Any] = {
        "REDIS_CONNECTION": lanes.board,
        "DEFAULT_QUEUE": JobQueue(lanes),
        "HIGH_QUEUE": JobQueue(lanes),
        "JOB_TIMEOUT_DISABLED": -1,
    }
    module.__dict__.update(contents)
    return module

"""What happens by itself: responses come in, requests go out, models are retrained, old text is forgotten."""

import asyncio
import importlib.util
import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from models.errors import QuandaryError
from models.settings import Settings
from models.store import erasures, labels, learning, retention
from models.store.thread import Store

LOOK_S = 60.0
"""How often new labels are counted."""
NICENESS = 10
LOG_FILE = "retrain.log"
SILENT_MAX = timedelta(minutes=30)
"""A run that says it is running but has not been heard of for so long is dead, whoever bears its process number now."""
_STOP_S = 10.0
_TAIL_BYTES = 4096

log = structlog.get_logger(__name__)


class Schedule:
    """The bot's jobs, running while entered: ``async with Schedule(...)``.

    ``pull`` and ``top_up`` are the labelling queue's inlet and outbox, ``erase`` finishes erasures. Retraining is a
    process of its own at low priority, started at night or after so many new labels, and never while another one runs.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        *,
        config: Path,
        pull: Callable[[], Awaitable[object]],
        top_up: Callable[[], Awaitable[object]],
        erase: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        self._settings = settings
        self._store = store
        self._command = [sys.executable, "-m", "retrain", "cycle", "--config", str(config)]
        self._pull = pull
        self._top_up = top_up
        self._erase = erase
        self._training: asyncio.subprocess.Process | None = None
        self._watching: asyncio.Task[None] | None = None
        self._started_at: datetime | None = None
        self._told_missing = False
        self._scheduler = AsyncIOScheduler(timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1})

    async def __aenter__(self) -> Self:
        """Start the jobs; the first pull and the first top-up come at once."""
        settings = self._settings.schedule
        hour, minute = settings.retrain_at.split(":")
        now = datetime.now(UTC)
        add = self._scheduler.add_job
        add(self._quiet, IntervalTrigger(seconds=settings.pull_s), ["pull", self._pull], next_run_time=now)
        add(self._quiet, IntervalTrigger(seconds=settings.top_up_s), ["top up", self._top_up], next_run_time=now)
        add(self._quiet, IntervalTrigger(seconds=LOOK_S), ["count labels", self.retrain_if_many])
        if self._erase is not None:
            add(self._quiet, IntervalTrigger(seconds=LOOK_S), ["erase", self._erase], next_run_time=now)
        add(self._quiet, CronTrigger(hour=int(hour), minute=int(minute), timezone=UTC), ["retrain", self.retrain])
        if self._settings.chat.adapter != "replay":  # replayed messages are old from the start
            add(self._quiet, IntervalTrigger(hours=24), ["purge", self.purge], next_run_time=now)
        self._scheduler.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop the jobs, and a training that runs; it resumes when it is started again."""
        self._scheduler.shutdown(wait=False)
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait([self._watching])
        training = self._training
        if training is not None and training.returncode is None:
            training.terminate()
            try:
                async with asyncio.timeout(_STOP_S):
                    await training.wait()
            except TimeoutError:
                training.kill()
                await training.wait()

    async def retrain_if_many(self) -> bool:
        """Retrain if enough new labels came in since the last time; tells whether it was started."""
        if await self._new_labels() < self._settings.schedule.retrain_after_labels:
            return False
        return await self.retrain()

    async def retrain(self) -> bool:
        """Start a training unless one runs, or there is nothing new, or there is not enough; tells whether it did.

        What was erased from what a candidate learned from is something new.

        A training that fails is logged with the last line it wrote.
        """
        if not _is_installed():
            if not self._told_missing:
                log.warning("retraining not started: the learning side is not installed here; see the extra [retrain]")
            self._told_missing = True
            return False
        if await self._is_training():
            log.info("retraining not started: one runs already")
            return False
        labelled = await self._store.do(labels.labelled_bursts)
        needed = self._settings.gate.min_labels
        if labelled < needed or not (await self._new_labels() or await self._stale()):
            log.info("retraining not started: too few labels", labelled=labelled, needed=needed)
            return False
        self._started_at = datetime.now(UTC)
        self._training, written = await self._spawn()
        self._watching = asyncio.create_task(self._watch(self._training, written))
        log.info("retraining started", pid=self._training.pid, labelled=labelled)
        return True

    async def purge(self) -> int:
        """Forget what is older than the retention; returns how many rows went."""
        before = datetime.now(UTC) - timedelta(days=self._settings.schedule.retention_days)
        gone = await self._store.do(retention.purge, before)
        log.info("purged", rows=gone)
        return gone

    async def _new_labels(self) -> int:
        """Bursts labelled since the last training began: this bot's own, or any that the store knows of."""
        last = await self._store.do(learning.last_run)
        moments = [moment for moment in (self._started_at, last and last.started_at) if moment]
        if not moments:
            return await self._store.do(labels.labelled_bursts)
        return await self._store.do(labels.labelled_since, max(moments))

    async def _stale(self) -> bool:
        """Tell whether a candidate was trained on what somebody had erased after the last training began."""
        last = await self._store.do(learning.last_run)
        moments = [moment for moment in (self._started_at, last and last.started_at) if moment]
        return bool(await self._store.do(erasures.stale_candidates, max(moments, default=None)))

    async def _is_training(self) -> bool:
        if self._training is not None and self._training.returncode is None:
            return True
        last = await self._store.do(learning.last_run)
        if last is None or last.state != "running" or last.updated_at < datetime.now(UTC) - SILENT_MAX:
            return False
        return _is_alive(last.pid)

    async def _watch(self, training: asyncio.subprocess.Process, written: int) -> None:
        """Wait for a training to end, and log how if it failed; ``written`` bytes of its log are older than it."""
        status = await training.wait()
        if status == 0:
            log.info("retraining ended", pid=training.pid)
            return
        path = self._settings.data_dir / LOG_FILE
        last = await asyncio.to_thread(_last_line, path, written)
        log.error("retraining failed", status=status, last=last, log=str(path))

    async def _spawn(self) -> tuple[asyncio.subprocess.Process, int]:
        """Start the training; returns it with the size that its log had before."""
        log_path = self._settings.data_dir / LOG_FILE
        descriptor = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            written = os.fstat(descriptor).st_size
            training = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=descriptor,
                stderr=descriptor,
                start_new_session=True,  # ctrl-C is for us; we end it ourselves
            )
        finally:
            os.close(descriptor)
        with suppress(ProcessLookupError):  # it may have ended already
            os.setpriority(os.PRIO_PROCESS, training.pid, NICENESS)
        return training, written

    async def _quiet(self, name: str, job: Callable[[], Awaitable[object]]) -> None:
        """Run a job; what fails is logged and tried again at the next time."""
        try:
            await job()
        except QuandaryError as error:
            log.warning("scheduled job failed", job=name, error=str(error))


def _is_installed() -> bool:
    return importlib.util.find_spec("torch") is not None


def _last_line(path: Path, after: int) -> str:
    """The last line of a log that says something, from a byte on; empty where there is none."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(after, size - _TAIL_BYTES))
            lines = [line.strip() for line in file.read().decode("utf-8", "replace").splitlines()]
    except OSError as error:
        return f"({error})"
    return next((line for line in reversed(lines) if line), "")


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

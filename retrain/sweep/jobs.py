"""Several runs at once, each a process of its own that hands on how far it is; ending us ends them all."""

import asyncio
import json
import os
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from retrain.sweep.setting import Run

GRACE_S = 10.0
"""What a child may take to end before it is killed."""
LINE_LIMIT = 1 << 16


class Watcher(Protocol):
    """Whoever is told how runs go."""

    def began(self, run: Run) -> None:
        """A child was started."""
        ...

    def step(self, run: Run, done: int, total: int, loss: float | None) -> None:
        """A child is so far with training or, where there is no loss, with reading."""
        ...

    def ended(self, run: Run, seconds: float, reason: str | None) -> None:
        """A child has ended; ``reason`` says why it failed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A run with the command that does it and the file for what it says on its way."""

    run: Run
    command: Sequence[str]
    log: Path


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def environment(threads: int) -> dict[str, str]:
    """The environment of a child that may use so many threads."""
    count = str(threads)
    threads_of = {"OMP_NUM_THREADS": count, "MKL_NUM_THREADS": count, "OPENBLAS_NUM_THREADS": count}
    # Waiting threads must not spin beside others, and nobody is to be phoned.
    quiet = {"OMP_WAIT_POLICY": "passive", "HF_HUB_DISABLE_TELEMETRY": "1", "TOKENIZERS_PARALLELISM": "false"}
    return {**quiet, **os.environ, **threads_of}


async def work_off(
    work: Iterable[Work], *, jobs: int, threads: int, watcher: Watcher, clock: Callable[[], float]
) -> dict[Run, str]:
    """Do everything, ``jobs`` at once; returns why runs failed, which stops no other.

    When cancelled, it ends its children, waits for them, and lets the cancellation go on.
    """
    left = iter(work)
    failed: dict[Run, str] = {}

    async def worker() -> None:
        for one in left:
            began = clock()
            watcher.began(one.run)
            reason = await _child(one, environment(threads), watcher)
            if reason is not None:
                failed[one.run] = reason
            watcher.ended(one.run, clock() - began, reason)

    async with asyncio.TaskGroup() as group:
        for _ in range(jobs):
            group.create_task(worker())
    return failed


async def _child(work: Work, env: Mapping[str, str], watcher: Watcher) -> str | None:
    work.log.parent.mkdir(parents=True, exist_ok=True)
    with work.log.open("wb") as log:
        # A session of its own: ctrl-C reaches us alone, and we end the children in order.
        child = await asyncio.create_subprocess_exec(
            *work.command, stdout=PIPE, stderr=log, env=env, start_new_session=True, limit=LINE_LIMIT
        )
        try:
            await _listen(child, work.run, watcher)
            status = await child.wait()
        finally:
            await _end(child)
    if status == 0:
        work.log.unlink(missing_ok=True)
        return None
    said = work.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return (said[-1].removeprefix("retrain: ") if said else f"it ended with status {status}")[:400]


async def _listen(child: Process, run: Run, watcher: Watcher) -> None:
    if child.stdout is None:
        return
    async for line in child.stdout:
        with suppress(ValueError, KeyError, TypeError):  # what a library prints is no news of ours
            told = json.loads(line)
            watcher.step(run, told["done"], told["total"], told["loss"])


async def _end(child: Process) -> None:
    if child.returncode is not None:
        return
    with suppress(ProcessLookupError):
        child.terminate()
    try:
        await asyncio.wait_for(child.wait(), GRACE_S)
    except TimeoutError:
        with suppress(ProcessLookupError):
            child.kill()
        await child.wait()

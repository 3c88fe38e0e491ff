"""The pipeline's own limit: the same slices of talk, taken in turn by each arm."""

import importlib.util
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any, Protocol

from bot.bench.crowd import Crowd, talk
from bot.bench.crowd_chat import CrowdChat
from bot.bench.flow import flow, make_power_safe, opened, pragma
from bot.bench.memory import resident_mib
from bot.slot import ServingSlot
from models.chat import ChatEvent
from models.settings import Settings
from models.store.placement import placement
from models.store.thread import Store

DURABLE, POWER_SAFE, CALLBACK = "pipeline", "pipeline, power-safe", "matrix-nio callback, no storage"


class Arm(Protocol):
    """One way to take a slice of talk."""

    async def take(self, events: Sequence[ChatEvent]) -> float:
        """Take all of it; returns the seconds that took."""
        ...


class PipelineArm:
    """A pipeline over a store that grows from slice to slice; it has taken a slice when every burst is routed."""

    def __init__(self, settings: Settings, store: Store, slot: ServingSlot) -> None:
        self._settings, self._store, self._slot = settings, store, slot

    async def take(self, events: Sequence[ChatEvent]) -> float:
        """Take a slice."""
        pipeline = flow(self._settings, self._store, CrowdChat(events), self._slot)
        began = time.perf_counter()
        await pipeline.run()
        return time.perf_counter() - began


@dataclass(slots=True, kw_only=True)
class Speed:
    """An arm's messages a second, by round: by the clock on the wall, and by processor time of all threads."""

    by_clock: list[float] = field(default_factory=list)
    by_processor: list[float] = field(default_factory=list)

    def figures(self) -> dict[str, object]:
        """As printed with --json."""
        return {
            "messages_per_s": round(median(self.by_clock), 1),
            "messages_per_processor_s": round(median(self.by_processor), 1),
            "rounds": [round(rate, 1) for rate in self.by_clock],
        }


async def limit(
    settings: Settings, crowd: Crowd, texts: Sequence[str], folder: Path, *, messages: int, rounds: int
) -> dict[str, Any]:
    """Measure all arms on ``messages`` messages each, in ``rounds`` slices; raises StoreError or PlatformError."""
    said = talk(crowd, texts)
    async with AsyncExitStack() as stack:
        store, slot = await stack.enter_async_context(opened(settings, folder / "durable"))
        safe_store, safe_slot = await stack.enter_async_context(opened(settings, folder / "power-safe"))
        await safe_store.do(make_power_safe)
        arms: dict[str, Arm] = {
            DURABLE: PipelineArm(settings, store, slot),
            POWER_SAFE: PipelineArm(settings, safe_store, safe_slot),
        }
        if importlib.util.find_spec("nio") is not None:
            from bot.bench.nio_bot import NioBot  # noqa: PLC0415 - matrix-nio is an extra

            arms[CALLBACK] = await stack.enter_async_context(NioBot())
        speeds = {name: Speed() for name in arms}
        memory = [resident_mib()]
        for _ in range(rounds):
            events = list(islice(said, messages // rounds))
            for name, arm in arms.items():
                spent = time.process_time()
                seconds = await arm.take(events)
                speeds[name].by_clock.append(len(events) / seconds)
                speeds[name].by_processor.append(len(events) / (time.process_time() - spent))
            memory.append(resident_mib())
        placed = await store.do(placement)
        return {
            "messages": placed.messages,
            "lost": placed.lost + placed.open,
            "doubled": placed.doubled,
            "undecided": placed.undecided,
            "journal_mode": await store.do(pragma, "journal_mode"),
            "synchronous": await store.do(pragma, "synchronous"),
            "memory_mib": [round(mib, 1) for mib in memory],
            "arms": {name: speed.figures() for name, speed in speeds.items()},
            "pipeline_over_callback": None
            if CALLBACK not in arms
            else round(median(speeds[DURABLE].by_clock) / median(speeds[CALLBACK].by_clock), 3),
        }

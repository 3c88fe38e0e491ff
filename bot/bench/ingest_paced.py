"""A crowd at a given pace for a while: is anything lost, does memory grow, how long do bursts wait."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path
from typing import Any

from bot.bench.crowd import Crowd, talk
from bot.bench.crowd_chat import CrowdChat
from bot.bench.flow import flow, opened
from bot.bench.memory import peak_mib, resident_mib
from models.settings import Settings
from models.store import decisions
from models.store.placement import placement

SAMPLE_S = 0.5


async def paced(
    settings: Settings, crowd: Crowd, texts: Sequence[str], folder: Path, *, seconds: float, model: str
) -> dict[str, Any]:
    """Let the crowd talk for some seconds, then stop the bot as ctrl-C does, and count what is in the store.

    Whatever the model cannot keep up with waits in the store (``backlog``). ``messages_per_s_decided`` is what this
    host sustains with this model. Raises ModelError or StoreError.
    """
    async with opened(settings, folder / "paced", model) as (store, slot):
        begin = datetime.now(UTC)
        end = begin + timedelta(seconds=seconds)
        chat = CrowdChat(takewhile(lambda event: event.sent_at < end, talk(crowd, texts, begin)), paced=True)
        pipeline = flow(settings, store, chat, slot)
        running = asyncio.create_task(pipeline.run())
        memory = await _watch(running, seconds)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        placed = await store.do(placement)
        delays = await store.do(decisions.delays)
        routed = pipeline.tally.routed
        closed = max(1, pipeline.tally.bursts)
        return {
            "model": model,
            "seconds": seconds,
            "messages": placed.messages,
            "messages_per_s": round(placed.messages / seconds, 1),
            "handed_over": chat.handed_over,
            "durable": chat.durable_events,
            "late_s": round(chat.late_s, 3),
            "lost": placed.lost + chat.durable_events - placed.messages,
            "doubled": placed.doubled,
            "open": placed.open,
            "bursts": pipeline.tally.bursts,
            "decided": routed,
            "backlog": placed.undecided,
            "bursts_per_s_decided": round(routed / seconds, 1),
            "messages_per_s_decided": round(placed.placed / closed * routed / seconds, 1),
            "closed_to_decided_s": {"p50": delays.p50_s, "p95": delays.p95_s},
            "memory_mib": memory,
            "placement": asdict(placed),
        }


async def _watch(running: asyncio.Task[None], seconds: float) -> dict[str, float]:
    """Sample memory until the time is over; raises what the pipeline raises, if it ends early."""
    samples: list[float] = []
    began = time.perf_counter()
    while (left := seconds - (time.perf_counter() - began)) > 0:
        await asyncio.wait([running], timeout=min(SAMPLE_S, left))
        if running.done():
            await running
        samples.append(resident_mib())
    half = samples[len(samples) // 2]
    return {
        "first": round(samples[0], 1),
        "half_time": round(half, 1),
        "last": round(samples[-1], 1),
        "second_half_growth": round(samples[-1] - half, 1),
        "peak_of_process": round(peak_mib(), 1),
    }

"""How long bursts wait when many have come at once."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.chat import Burst
from models.decider import Decider


@dataclass(frozen=True, slots=True, kw_only=True)
class Waited:
    """A queue of ``waiting`` bursts decided ``at_once`` by ``at_once``; milliseconds until a burst had its decision."""

    waiting: int
    at_once: int
    p50_ms: float
    p95_ms: float
    bursts_per_s: float
    cpu_ms: float
    """Processor time a burst."""


def drain(decider: Decider, bursts: Sequence[Burst], at_once: int) -> Waited:
    """Decide a queue in the order in which it came; all bursts have come at the start."""
    done: list[float] = []
    began, used = time.perf_counter(), time.process_time()
    for start in range(0, len(bursts), at_once):
        batch = bursts[start : start + at_once]
        decider.decide(batch)
        done += [(time.perf_counter() - began) * 1000] * len(batch)
    return Waited(
        waiting=len(bursts),
        at_once=at_once,
        p50_ms=float(np.percentile(done, 50)),
        p95_ms=float(np.percentile(done, 95)),
        bursts_per_s=len(bursts) / (done[-1] / 1000),
        cpu_ms=(time.process_time() - used) * 1000 / len(bursts),
    )

"""What a candidate costs on this host: milliseconds a burst and the size of its file. Pure, but for ``measure``."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from models.chat import Burst
from models.evidence import Check, Outcome
from models.settings import GateSettings

NAME = "cost"
SAMPLE = 32
"""Bursts that are timed, after one that is not: it reads the preamble."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Median and 95th percentile of a decision (milliseconds, all questions of a burst), and the file's size in MiB."""

    median_ms: float
    p95_ms: float
    file_mib: float


def measure(
    path: Path,
    decide: Callable[[Burst], object],
    bursts: Sequence[Burst],
    clock: Callable[[], float] = time.perf_counter,
) -> Cost:
    """Time decisions one after another; at least two bursts are needed, as the first one is not counted."""
    spent: list[float] = []
    for burst in bursts[: SAMPLE + 1]:
        began = clock()
        decide(burst)
        spent.append(1000 * (clock() - began))
    counted = sorted(spent[1:] or spent)
    return Cost(
        median_ms=statistics.median(counted),
        p95_ms=counted[max(0, -(-95 * len(counted) // 100) - 1)],
        file_mib=path.stat().st_size / 2**20,
    )


def cost_check(challenger: Cost, champion: Cost, gate: GateSettings) -> Check:
    """Does it keep to the limits of ``gate.max_decision_ms`` and ``gate.max_file_mib``?"""
    figures = {
        "median_ms": challenger.median_ms,
        "p95_ms": challenger.p95_ms,
        "file_mib": challenger.file_mib,
        "champion_median_ms": champion.median_ms,
        "champion_file_mib": champion.file_mib,
        "max_decision_ms": gate.max_decision_ms,
        "max_file_mib": gate.max_file_mib,
    }
    told = (
        f"a burst takes {challenger.median_ms:.0f} ms (95 % of them at most {challenger.p95_ms:.0f}; the champion "
        f"{champion.median_ms:.0f}) and its file {challenger.file_mib:.1f} MiB (the champion's {champion.file_mib:.1f})"
    )
    limits = []
    if challenger.p95_ms > gate.max_decision_ms:
        limits.append(f"{gate.max_decision_ms:.0f} ms are allowed for a burst (gate.max_decision_ms)")
    if challenger.file_mib > gate.max_file_mib:
        limits.append(f"{gate.max_file_mib:.0f} MiB are allowed (gate.max_file_mib)")
    if limits:
        reason = f"{told}; {' and '.join(limits)}: take a smaller base or a smaller quantization"
        return Check(name=NAME, outcome=Outcome.FAIL, reason=reason, figures=figures)
    return Check(name=NAME, outcome=Outcome.PASS, reason=told, figures=figures)

"""What runs cost: seconds a row, learned from runs that have ended or from a probe. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from retrain.sweep.run import Result
from retrain.sweep.setting import VANILLA, Run

START_S = 6.0
"""What a process takes to load its libraries, roughly; a few seconds of minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Seconds to train on a row once, and to read one."""

    train_s: float
    read_s: float


def costs(results: Iterable[Result]) -> dict[str, Cost]:
    """Costs by rung; training that was never seen counts as three readings."""
    sums: dict[str, list[float]] = {}
    for result in results:
        row = sums.setdefault(result.run.rung, [0.0, 0.0, 0.0, 0.0])
        for place, value in enumerate((result.train_s, result.examples, result.read_s, result.read)):
            row[place] += value
    found = {}
    for rung, (train_s, examples, read_s, read) in sums.items():
        reading = read_s / max(read, 1)
        found[rung] = Cost(train_s=train_s / examples if examples else 3 * reading, read_s=reading)
    return found


def seconds(run: Run, known: Mapping[str, Cost], *, train: int, test: int) -> float | None:
    """Estimated seconds of a run on so many rows; None where nothing is known of its rung."""
    cost = known.get(run.rung)
    if cost is None:
        return None
    trained = 0 if run.setting == VANILLA else train * run.setting.epochs
    return START_S + trained * cost.train_s + test * cost.read_s


def left_s(runs: Sequence[Run], known: Mapping[str, Cost], *, train: int, test: int, jobs: int) -> float | None:
    """Estimated seconds until runs have ended, ``jobs`` at once; None where nothing is known of a rung."""
    each = [seconds(run, known, train=train, test=test) for run in runs]
    told = [value for value in each if value is not None]
    return sum(told) / jobs if len(told) == len(each) else None


def told_time(value: float | None) -> str:
    """Seconds in words."""
    if value is None:
        return "unknown"
    if value < 90:
        return f"{value:.0f} s"
    return f"{value / 60:.0f} min" if value < 5400 else f"{value / 3600:.1f} h"

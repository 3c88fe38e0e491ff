"""What is known of one rung under one setting: figures, and where there are readings, counts to compare by. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from models.metrics import Floats, Scored, confusion
from retrain.judged import Judged, scored
from retrain.sweep.setting import Setting

DRAWS = 2000
METRICS = ("precision", "recall", "f1", "macro_f1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A value with its 95 % interval; low and high are the value where nothing is known of it (the paper's)."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Weights of true and false positives, false and true negatives of every seed in every room.

    ``cells`` [seeds, rooms, 4]; ``seeds`` are their names.
    """

    seeds: tuple[int, ...]
    cells: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One rung under one setting on one question.

    ``gold`` [rooms] is the mean log-probability of the label in nats, averaged over seeds, at each run's best
    temperature. ``counts`` and ``gold`` are None for figures that were only read somewhere.
    """

    rung: str
    parameters: int
    setting: Setting
    figures: Mapping[str, Figure]
    counts: Counts | None = None
    gold: Floats | None = field(default=None, compare=False)
    rows: int = 0


def counts(runs: Mapping[int, Judged]) -> Counts:
    """Count what the runs of one setting said, by seed; all judged the same rows."""
    seeds = tuple(sorted(runs))
    return Counts(seeds=seeds, cells=np.stack([_cells(scored(runs[seed])) for seed in seeds]))


def figures(found: Counts, draws: int = DRAWS) -> dict[str, Figure]:
    """Every metric, averaged over seeds, with its interval over seeds and rooms."""
    return {name: _figure(found, None, name, 0.05, draws) for name in METRICS}


def gap(one: Point, other: Point, metric: str, *, level: float = 0.05, draws: int = DRAWS) -> Figure:
    """How much better ``one`` is than ``other``, with an interval at 1 - ``level`` where there are readings of both.

    Rooms are drawn once for both, and seeds too where both have the same, so what is hard in a room cancels out.
    """
    if one.counts is None or other.counts is None:
        value = one.figures[metric].value - other.figures[metric].value
        return Figure(value=value, low=value, high=value)
    return _figure(one.counts, other.counts, metric, level, draws)


def _figure(one: Counts, other: Counts | None, metric: str, level: float, draws: int) -> Figure:
    rooms = one.cells.shape[1]
    rng = np.random.default_rng(0)
    weights = rng.multinomial(rooms, np.full(rooms, 1 / rooms), size=draws).astype(np.float64)
    picks = _picks(len(one.seeds), draws, 1)
    value = float(_metric(one.cells.sum(axis=1), metric).mean())
    drawn = _drawn(one, metric, weights, picks)
    if other is not None:
        value -= float(_metric(other.cells.sum(axis=1), metric).mean())
        same = one.seeds == other.seeds
        drawn = drawn - _drawn(other, metric, weights, picks if same else _picks(len(other.seeds), draws, 2))
    low, high = np.quantile(drawn, [level / 2, 1 - level / 2])
    return Figure(value=value, low=float(low), high=float(high))


def _drawn(found: Counts, metric: str, weights: Floats, picks: Floats) -> Floats:
    """The metric's mean over seeds in every draw [draws] of rooms and of seeds.

    The mean of n seeds drawn with replacement has (n - 1) / n of the variance that it should have, which is a lot less
    where n is 2 or 3; so the seeds' part of a draw is stretched by the root of that.
    """
    values = _metric(np.einsum("dr,srk->dsk", weights, found.cells), metric)
    mean: Floats = values.mean(axis=1)
    seeds = len(found.seeds)
    if seeds < 2:
        return mean
    stretched: Floats = mean + np.sqrt(seeds / (seeds - 1)) * ((values * picks).sum(axis=1) / seeds - mean)
    return stretched


def _picks(seeds: int, draws: int, salt: int) -> Floats:
    """How often each seed is drawn [draws, seeds]."""
    rng = np.random.default_rng([salt, seeds])
    found: Floats = rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=draws).astype(np.float64)
    return found


def _metric(cells: Floats, metric: str) -> Floats:
    """A metric over the last axis: true and false positives, false and true negatives."""
    tp, fp, fn, tn = np.moveaxis(cells, -1, 0)
    if metric == "precision":
        return _ratio(tp, tp + fp)
    if metric == "recall":
        return _ratio(tp, tp + fn)
    positive = _ratio(2 * tp, 2 * tp + fp + fn)
    if metric == "f1":
        return positive
    return (positive + _ratio(2 * tn, 2 * tn + fp + fn)) / 2


def _ratio(part: Floats, whole: Floats) -> Floats:
    found: Floats = np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
    return found


def _cells(columns: Scored) -> Floats:
    """Confusion weights of every room [rooms, 4]."""
    rooms = np.unique(columns.cluster)
    return np.array([confusion(columns.take(np.flatnonzero(columns.cluster == room))) for room in rooms])


def smallest_first(points: Sequence[Point]) -> list[Point]:
    """Points by size."""
    return sorted(points, key=lambda point: point.parameters)

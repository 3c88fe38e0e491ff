"""What is known of one rung under one setting: figures, and where there are readings, counts to compare by. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.metrics import Floats, clusters
from retrain.judged import Judged, scored
from retrain.scaling.gold import gold_elsewhere
from retrain.sweep.setting import Setting
from retrain.trend import prior

DRAWS = 2000
METRICS = ("precision", "recall", "f1", "macro_f1")
GOLD = "log_p"
"""The mean log-probability of the label in nats: no threshold moves it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A value with its 95 % interval; low and high are the value where nothing is known of it (the paper's)."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What every seed said in every room, summed.

    ``cells`` [seeds, rooms, 4]: weights of true and false positives, false and true negatives; ``gold`` [seeds, rooms]:
    weighted log-probabilities of the labels in nats, at temperatures fitted on other conversations; ``mass`` [rooms]:
    weights of the labels, those of the abstaining option too. ``seeds`` are names.
    """

    seeds: tuple[int, ...]
    cells: Floats
    gold: Floats
    mass: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """What needs no model: F1 of always giving the positive answer, and log p of the labels' own rates (nats)."""

    f1: float
    log_p: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One rung under one setting on one question; ``counts`` are None for figures that were only read somewhere."""

    rung: str
    parameters: int
    setting: Setting
    figures: Mapping[str, Figure]
    counts: Counts | None = None
    rows: int = 0
    floor: Floor | None = None


def counts(runs: Mapping[int, Judged]) -> Counts:
    """Count what the runs of one setting said, by seed; all judged the same rows."""
    seeds = tuple(sorted(runs))
    first = runs[seeds[0]]
    room = clusters(first.conversations)
    rooms = int(room.max()) + 1
    return Counts(
        seeds=seeds,
        cells=np.stack([_cells(runs[seed], room, rooms) for seed in seeds]),
        gold=np.stack([_sums(runs[seed].weight * gold_elsewhere(runs[seed]), room, rooms) for seed in seeds]),
        mass=_sums(first.weight, room, rooms),
    )


def figures(found: Counts, draws: int = DRAWS) -> dict[str, Figure]:
    """Every metric, averaged over seeds, with its interval over seeds and rooms."""
    return {name: _figure(found, None, name, 0.05, draws) for name in (*METRICS, GOLD)}


def floor(rows: Judged) -> Floor:
    """What these labels give to who has read nothing."""
    columns = scored(rows)
    yes = float(columns.weight @ columns.gold)
    whole = float(columns.weight.sum())
    return Floor(f1=2 * yes / (yes + whole) if whole else 0.0, log_p=prior(rows))


def above(point: Point, base: float, level: float) -> Figure:
    """How far log p is above a fixed value (nats), at 1 - ``level``; ``point`` has counts."""
    found = point.figures[GOLD] if point.counts is None else _figure(point.counts, None, GOLD, level, DRAWS)
    return Figure(value=found.value - base, low=found.low - base, high=found.high - base)


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
    whole = np.ones((1, rooms))
    value = float(_values(one, metric, whole).mean())
    drawn = _drawn(one, metric, weights, picks)
    if other is not None:
        value -= float(_values(other, metric, whole).mean())
        same = one.seeds == other.seeds
        drawn = drawn - _drawn(other, metric, weights, picks if same else _picks(len(other.seeds), draws, 2))
    low, high = np.quantile(drawn, [level / 2, 1 - level / 2])
    return Figure(value=value, low=float(low), high=float(high))


def _drawn(found: Counts, metric: str, weights: Floats, picks: Floats) -> Floats:
    """The metric's mean over seeds in every draw [draws] of rooms and of seeds.

    The mean of n seeds drawn with replacement has (n - 1) / n of the variance that it should have, which is a lot less
    where n is 2 or 3; so the seeds' part of a draw is stretched by the root of that.
    """
    values = _values(found, metric, weights)
    mean: Floats = values.mean(axis=1)
    seeds = len(found.seeds)
    if seeds < 2:
        return mean
    stretched: Floats = mean + np.sqrt(seeds / (seeds - 1)) * ((values * picks).sum(axis=1) / seeds - mean)
    return stretched


def _values(found: Counts, metric: str, weights: Floats) -> Floats:
    """The metric of every seed [draws, seeds] where rooms count as ``weights`` [draws, rooms] say."""
    if metric == GOLD:
        return _ratio(weights @ found.gold.T, np.repeat((weights @ found.mass)[:, None], len(found.seeds), axis=1))
    return _metric(np.einsum("dr,srk->dsk", weights, found.cells), metric)


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


def _cells(rows: Judged, room: NDArray[np.int64], rooms: int) -> Floats:
    """Confusion weights of every room [rooms, 4]; labels of the abstaining option are in none."""
    columns = scored(rows)
    abstain = rows.question.abstain
    kept = room if abstain is None else room[rows.gold != rows.question.index(abstain)]
    said, gold = columns.positive >= 0.5, columns.gold > 0.5
    cells = (said & gold, said & ~gold, ~said & gold, ~said & ~gold)
    return np.stack([_sums(columns.weight * cell, kept, rooms) for cell in cells], axis=1)


def _sums(values: Floats, room: NDArray[np.int64], rooms: int) -> Floats:
    return np.bincount(room, weights=values, minlength=rooms).astype(np.float64)


def smallest_first(points: Sequence[Point]) -> list[Point]:
    """Points by size."""
    return sorted(points, key=lambda point: point.parameters)

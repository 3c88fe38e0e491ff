"""Labels that a strategy needs, compared with chance, with intervals over seeds and conversations. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.acquisition.settled import Changes, settled
from models.acquisition.strategies import RANDOM
from models.metrics import Floats
from models.resample import macro_f1_of
from retrain.bench.acquisition.loop import Course

SHARE = 0.95
"""Of the full-data score: what is to be reached."""
DRAWS = 500
LEVEL = 0.95
LEAST_CONVERSATIONS = 5
"""Fewer cannot stand for others: then only seeds are drawn."""

LEAST_TRAINED = 200
"""Labels from which on a training happens at all (gate.min_labels), so that decisions could settle."""

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How one strategy did on one set.

    ``needed``: labels to reach SHARE of the full score; ``ratio``: over random's; ``gap``: mean macro-F1 over all
    numbers of labels less random's; ``worst``: the same at the number of labels where it is lowest (``worst_at``).
    ``settled_at``: the number of labels at which the rule of models/acquisition/settled.py first holds, with half of
    the seeds at least, and ``settled_score`` the share of the full score reached there.
    """

    strategy: str
    scores: tuple[float, ...]
    losses: tuple[float, ...]
    needed: float
    ratio: float
    ratio_interval: Interval
    gap: float
    gap_interval: Interval
    worst_at: int
    worst: float
    worst_interval: Interval
    settled_at: int | None
    settled_score: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All strategies on one set, with what the head saw (``arm``)."""

    name: str
    arm: str
    pool: int
    judged: int
    conversations: int
    seeds: int
    full: float
    full_loss: float
    labels: tuple[int, ...]
    standings: tuple[Standing, ...]
    note: str


def compare(
    name: str,
    arm: str,
    courses: Mapping[str, Sequence[Course]],
    full: Sequence[tuple[Floats, float]],
    pool: int,
    rng: np.random.Generator,
) -> Comparison:
    """Set every strategy beside random; seeds are paired, for they share the pool."""
    whole = np.stack([table for table, _ in full])  # [seeds, conversations, 4]
    seeds, conversations = whole.shape[:2]
    labels = min((course[0].labels for course in courses.values()), key=len)
    tables = {k: np.stack([c.tables[: len(labels)] for c in v]) for k, v in courses.items()}  # [seeds, b, conv., 4]
    enough = conversations >= LEAST_CONVERSATIONS
    times = np.ones((DRAWS + 1, conversations))
    chosen = np.tile(np.arange(seeds), (DRAWS + 1, 1))
    if enough:
        times[1:] = rng.multinomial(conversations, np.full(conversations, 1 / conversations), size=DRAWS)
    chosen[1:] = rng.integers(0, seeds, size=(DRAWS, seeds))
    score = {k: means(t, times, chosen) for k, t in tables.items()}  # [draws + 1, b], the first is all as it is
    top = means(whole[:, None], times, chosen)[:, 0]
    needed = {k: np.array([_needed(s, t, labels, pool) for s, t in zip(v, top, strict=True)]) for k, v in score.items()}
    drawn = {k: _Drawn(score=score[k], needed=needed[k]) for k in courses}
    standings = tuple(_standing(k, v, drawn[k], drawn[RANDOM], labels, float(top[0])) for k, v in courses.items())
    return Comparison(
        name=name,
        arm=arm,
        pool=pool,
        judged=int(whole[0].sum()),
        conversations=conversations,
        seeds=seeds,
        full=float(top[0]),
        full_loss=float(np.mean([loss for _, loss in full])),
        labels=labels,
        standings=standings,
        note="" if enough else f"{conversations} conversations cannot stand for others: intervals are over seeds alone",
    )


def rising(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The closest curve that never falls (pool-adjacent-violators): noise must not reach a target by chance."""
    blocks: list[list[float]] = []
    for value in values.tolist():
        blocks.append([value, 1.0])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            mean, count = blocks.pop()
            total = blocks[-1][1] + count
            blocks[-1] = [(blocks[-1][0] * blocks[-1][1] + mean * count) / total, total]
    return np.concatenate([np.full(int(count), mean) for mean, count in blocks])


def _needed(scores: Floats, top: float, labels: Sequence[int], pool: int) -> float:
    """Labels at which the rising curve reaches SHARE of the top; between two numbers of labels on a straight line."""
    target = SHARE * top
    places = [*labels, pool]
    curve = [*rising(scores).tolist(), max(top, target)]
    for i, value in enumerate(curve):
        if value >= target:
            if i == 0 or value == curve[i - 1]:
                return float(places[i])
            part = (target - curve[i - 1]) / (value - curve[i - 1])
            return float(places[i - 1] + part * (places[i] - places[i - 1]))
    return float(pool)


def means(tables: Floats, times: Floats, chosen: NDArray[np.int64]) -> Floats:
    """Macro-F1, mean over the drawn seeds, [draws, b]; ``tables`` [seeds, b, conversations, 4]."""
    summed = np.einsum("sbcf,dc->dsbf", tables, times, optimize=True)
    each: Floats = macro_f1_of(summed)  # [draws, seeds, b]
    found: Floats = np.take_along_axis(each, chosen[:, :, None], axis=1).mean(axis=1)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drawn:
    """A strategy's macro-F1 [draws + 1, b] and the labels it needs [draws + 1]; the first is all as it is."""

    score: Floats
    needed: Floats


def _standing(
    name: str, courses: Sequence[Course], own: _Drawn, chance: _Drawn, labels: tuple[int, ...], top: float
) -> Standing:
    score, gap = own.score, own.score - chance.score
    worst = int(np.argmin(gap[0]))
    ratio = own.needed / chance.needed
    judged = int(courses[0].tables[0].sum())
    rule = [
        labels[b] >= LEAST_TRAINED
        and sum(settled({"": Changes(changed=int(c.changed[b]), bursts=judged)}) for c in courses) * 2 >= len(courses)
        for b in range(len(labels))
    ]
    stops = rule.index(True) if any(rule) else None
    return Standing(
        strategy=name,
        scores=tuple(np.round(score[0], 4).tolist()),
        losses=tuple(round(float(np.mean(each)), 4) for each in zip(*(c.loss.tolist() for c in courses), strict=False)),
        needed=float(own.needed[0]),
        ratio=float(ratio[0]),
        ratio_interval=interval(ratio[1:]),
        gap=float(gap[0].mean()),
        gap_interval=interval(gap[1:].mean(axis=1)),
        worst_at=labels[worst],
        worst=float(gap[0, worst]),
        worst_interval=interval(gap[1:, worst]),
        settled_at=None if stops is None else labels[stops],
        settled_score=None if stops is None else float(score[0, stops] / top),
    )


def interval(drawn: Floats) -> Interval:
    """The middle 95 % of what was drawn."""
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)

"""Chosen labels beside as many at random and beside all labels, with intervals over seeds and conversations. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.metrics import Floats
from retrain.bench.acquisition.figures import DRAWS, LEAST_CONVERSATIONS, Interval, interval, means
from retrain.bench.selection.arms import RANDOM, SHARES
from retrain.bench.selection.sweep import Swept
from retrain.selection.scores import emptiness, ifd, learnability, rank_correlation


@dataclass(frozen=True, slots=True, kw_only=True)
class At:
    """One arm at one share: labels taken (mean over seeds), macro-F1, and that less random's and less all labels'."""

    share: float
    labels: float
    macro_f1: float
    over_random: float
    over_random_interval: Interval
    over_all: float
    over_all_interval: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One arm. ``mean`` is its macro-F1 less random's, over the shares below all."""

    arm: str
    at: tuple[At, ...]
    mean: float
    mean_interval: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """All arms on one set. ``says``: rank correlations of scores with single losses, and the spread of s(A)."""

    name: str
    pool: int
    judged: int
    conversations: int
    seeds: int
    rows: tuple[Row, ...]
    says: Mapping[str, float]
    notes: tuple[str, ...]


def compare(name: str, swept: Swept, rng: np.random.Generator) -> Result:
    """Set every arm beside random and all labels; seeds are paired, for they share pool and losses."""
    tables = swept.tables
    seeds, _, conversations, _ = tables[RANDOM].shape
    times = np.ones((DRAWS + 1, conversations))
    chosen: NDArray[np.int64] = np.tile(np.arange(seeds), (DRAWS + 1, 1))
    notes = list(dict.fromkeys(told for told in emptiness(swept.losses[0])))
    if conversations >= LEAST_CONVERSATIONS:
        times[1:] = rng.multinomial(conversations, np.full(conversations, 1 / conversations), size=DRAWS)
    else:
        notes.append(f"{conversations} conversations cannot stand for others: intervals are over seeds alone")
    chosen[1:] = rng.integers(0, seeds, size=(DRAWS, seeds))
    score = {arm: means(each, times, chosen) for arm, each in tables.items()}  # [draws + 1, shares]
    whole = score[RANDOM][:, -1]
    return Result(
        name=name,
        pool=len(swept.losses[0]),
        judged=int(tables[RANDOM][0, 0].sum()),
        conversations=conversations,
        seeds=seeds,
        rows=tuple(_row(arm, each, score[RANDOM], whole, swept.taken[arm]) for arm, each in score.items()),
        says=_says(swept),
        notes=tuple(notes),
    )


def best(results: Sequence[Result], arms: Sequence[str]) -> str:
    """The arm of these that is farthest above random in the mean over results and shares."""
    value = {arm: np.mean([row.mean for result in results for row in result.rows if row.arm == arm]) for arm in arms}
    return max(value, key=lambda arm: float(value[arm]))


def _row(arm: str, score: Floats, chance: Floats, whole: Floats, taken: NDArray[np.int64]) -> Row:
    gap, lost = score - chance, score - whole[:, None]
    at = tuple(
        At(
            share=round(share, 4),
            labels=float(taken[:, place].mean()),
            macro_f1=float(score[0, place]),
            over_random=float(gap[0, place]),
            over_random_interval=interval(gap[1:, place]),
            over_all=float(lost[0, place]),
            over_all_interval=interval(lost[1:, place]),
        )
        for place, share in enumerate(SHARES)
    )
    mean = gap[:, :-1].mean(axis=1)
    return Row(arm=arm, at=at, mean=float(mean[0]), mean_interval=interval(mean[1:]))


def _says(swept: Swept) -> dict[str, float]:
    def mean(values: list[float]) -> float:
        return round(float(np.mean(values)), 4)

    each = swept.losses
    return {
        "ifd_with_untuned_loss": mean([rank_correlation(ifd(x), x.untuned) for x in each]),
        "learnability_with_small_tuned_loss": mean([rank_correlation(learnability(x), -x.reference) for x in each]),
        "blank_spread": mean([float(np.ptp(x.blank)) for x in each]),
        "untuned_loss": mean([float(x.untuned.mean()) for x in each]),
        "untuned_loss_fitted": mean([float(x.base.mean()) for x in each]),
        "tuned_loss_fitted": mean([float(x.reference.mean()) for x in each]),
        "above_one": mean([float((ifd(x) > 1).mean()) for x in each]),
    }

"""Scaling consistency as statistics: does a larger model agree better with the labels? Pure.

The paper asks for a strict rise of precision with size; simulated with 200 good labels and two points a step, that
rejects nine ladders of ten. Page's trend test on conversation means of the label's log-probability lets nine of ten in
and keeps its level. Conversations, not items, are its blocks: items of one conversation are alike.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.stats import norm, page_trend_test, wilcoxon

from models.metrics import Floats, Scored, f1, macro_f1, precision
from models.resample import draws, macro_f1_of, tables
from retrain.judged import Judged, scored
from retrain.scaling.gold import HALVES, block_means, gold_elsewhere, temperatures

LEAST_RUNGS = 3
LEAST_BLOCKS = 3
POWER = 0.8
DRAWS = 500
GUESS = 0.5
"""Macro-F1 of guessing at the labels' own rates; always giving the commoner answer gets less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RungScore:
    """How well one rung agrees with the labels of one question; intervals are 95 % over conversations.

    ``gold`` is the mean log-probability of the label in nats, at the rung's own best temperature on other
    conversations (retrain/scaling/gold.py); ``temperature`` is the geometric mean of those.
    """

    rung: str
    parameters: int
    items: int
    precision: float
    f1: float
    macro_f1: float
    macro_f1_interval: tuple[float, float]
    gold: float
    gold_interval: tuple[float, float]
    temperature: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """Page's test over a ladder: ``p_rise`` and ``p_fall`` are one-sided, ``z`` the statistic in standard deviations.

    ``strict_rise`` is the paper's rule. ``missing`` estimates how many labels more would make a rise as steep as the
    one seen significant; None where no rise is seen.
    """

    p_rise: float
    p_fall: float
    z: float
    blocks: int
    items: int
    strict_rise: bool
    missing: int | None


def rung_score(rung: str, parameters: int, rows: Judged, rng: np.random.Generator) -> RungScore:
    """Score one rung on the labels of one question."""
    gold = gold_elsewhere(rows)
    columns = scored(rows)
    enough = len(columns.gold) > 0
    mean = float(np.average(gold, weights=rows.weight)) if len(rows) else 0.0
    return RungScore(
        rung=rung,
        parameters=parameters,
        items=len(rows),
        precision=precision(columns),
        f1=f1(columns),
        macro_f1=macro_f1(columns),
        macro_f1_interval=_macro_f1_interval(columns, rng) if enough else (0.0, 1.0),
        gold=mean,
        gold_interval=_mean_interval(gold, rows, rng) if len(rows) else (mean, mean),
        temperature=math.exp(sum(map(math.log, temperatures(rows))) / HALVES),
    )


def page_trend(ladder: Sequence[Judged], alpha: float, means: Floats | None = None) -> Trend | None:
    """Test whether the label's log-probability rises over rungs (smallest first) that judged the same items.

    ``means`` (conversations, rungs) are the ladder's block means, where they are known already.
    None where there are too few rungs or conversations to say anything.
    """
    means = block_means(ladder) if means is None else means
    blocks, rungs = means.shape
    if rungs < LEAST_RUNGS or blocks < LEAST_BLOCKS:
        return None
    rise = page_trend_test(means)
    fall = page_trend_test(means[:, ::-1])
    z = (float(rise.statistic) - blocks * rungs * (rungs + 1) ** 2 / 4) / math.sqrt(
        blocks * rungs**2 * (rungs + 1) ** 2 * (rungs - 1) / 144
    )
    items = len(ladder[0])
    precisions = [precision(scored(rows)) for rows in ladder]
    return Trend(
        p_rise=float(rise.pvalue),
        p_fall=float(fall.pvalue),
        z=z,
        blocks=blocks,
        items=items,
        strict_rise=all(small < large for small, large in pairwise(precisions)),
        missing=_missing(z, items, alpha),
    )


def told_p(p: float) -> str:
    """A p-value as people write it: "p = 0.031", "p < 0.001"."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def better_smaller(means: Floats, alpha: float) -> int | None:
    """Position of a smaller rung that surely agrees better with the labels than the largest; None where none does.

    Page's test looks for a trend on the whole: a steep rise to the middle hides that the top falls off again. Signed
    ranks over conversations tell, at level ``alpha`` for all smaller rungs together. ``means`` (conversations, rungs)
    are a ladder's block means.
    """
    blocks, rungs = means.shape
    if blocks < LEAST_BLOCKS:
        return None
    for place in range(rungs - 2, -1, -1):
        gap = means[:, place] - means[:, -1]
        if np.any(gap) and float(wilcoxon(gap, alternative="greater").pvalue) < alpha / (rungs - 1):
            return place
    return None


def majority(columns: Scored) -> float:
    """Macro-F1 of always giving the commoner answer."""
    says = float(columns.gold @ columns.weight * 2 >= columns.weight.sum())
    constant = Scored(
        gold=columns.gold,
        positive=np.full_like(columns.gold, says),
        weight=columns.weight,
        sure=columns.sure,
        cluster=columns.cluster,
    )
    return macro_f1(constant)


def prior(rows: Judged) -> float:
    """Mean log-probability (nats) of the labels under their own rates: what needs no model."""
    mass = np.bincount(rows.gold, weights=rows.weight)
    share = mass[mass > 0] / mass.sum()
    return float((share * np.log(share)).sum())


def beats_baseline(rows: Judged, alpha: float, rng: np.random.Generator) -> bool:
    """Tell whether a rung's macro-F1 is above the majority's and a guess's, at level ``alpha`` over conversations."""
    columns = scored(rows)
    if len(columns.gold) == 0:
        return False
    low, _ = _macro_f1_interval(columns, rng, level=1 - 2 * alpha)
    return low > max(GUESS, majority(columns))


def _missing(z: float, items: int, alpha: float) -> int | None:
    """The statistic grows with the root of the number of blocks; 80 % power is asked for."""
    wanted = float(norm.ppf(1 - alpha) + norm.ppf(POWER))
    if z <= 0:
        return None
    return max(0, math.ceil(items * ((wanted / z) ** 2 - 1)))


def _macro_f1_interval(columns: Scored, rng: np.random.Generator, level: float = 0.95) -> tuple[float, float]:
    counted = tables(columns)
    drawn = macro_f1_of(draws(len(counted), DRAWS, rng) @ counted)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _mean_interval(values: Floats, rows: Judged, rng: np.random.Generator) -> tuple[float, float]:
    place = {name: i for i, name in enumerate(dict.fromkeys(rows.conversations))}
    cluster = np.array([place[name] for name in rows.conversations], dtype=np.int64)
    sums = np.bincount(cluster, weights=values * rows.weight)
    mass = np.bincount(cluster, weights=rows.weight)
    picks = rng.integers(len(sums), size=(DRAWS, len(sums)))
    low, high = np.quantile(sums[picks].sum(axis=1) / mass[picks].sum(axis=1), [0.025, 0.975])
    return float(low), float(high)

"""What a ladder says, in plain words: for a table of one figure a rung, and for readings of single items. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, permutations

import numpy as np
from scipy.stats import rankdata, spearmanr, t

from models.metrics import Floats
from retrain.scaling.outlying import outlying_in_table, rank_correlation
from retrain.scaling.table import LEAST_RUNGS, TableRung
from retrain.trend import told_p

ALPHA = 0.05
MOST_EXACT = 8
"""With more rungs than this the permutations are not all counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rise:
    """How one figure moves over some rungs, smallest first.

    ``strict``: it rises at every step (the paper's rule). ``correlation`` (-1..1): of its ranks with those of size;
    ``p_rise``, ``p_fall``: exact one-sided permutation tests of that. ``per_doubling``: gain when parameters double, by
    least squares, with a 95 % interval (None below three rungs).
    """

    rungs: tuple[str, ...]
    strict: bool
    correlation: float
    p_rise: float
    p_fall: float
    per_doubling: float
    interval: tuple[float, float] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TableReading:
    """One figure of a table over its dense rungs; ``outlying`` is named, ``without`` it the ladder is read again."""

    figure: str
    whole: Rise
    outlying: str | None
    without: Rise | None
    told: str


def read_rise(names: Sequence[str], parameters: Sequence[int], values: Sequence[float]) -> Rise:
    """Read rungs (smallest first) without items: their order, and a line through them."""
    figures = np.array(values, dtype=np.float64)
    p_rise, p_fall = _permuted(figures)
    slope, interval = _line(np.log2(np.array(parameters, dtype=np.float64)), figures)
    return Rise(
        rungs=tuple(names),
        strict=all(small < large for small, large in pairwise(values)),
        correlation=rank_correlation(figures),
        p_rise=p_rise,
        p_fall=p_fall,
        per_doubling=slope,
        interval=interval,
    )


def read_figure(rungs: Sequence[TableRung], figure: str, alpha: float = ALPHA) -> TableReading:
    """Read one figure over the dense rungs."""
    dense = sorted((rung for rung in rungs if rung.dense), key=lambda rung: rung.parameters)
    reference = [rung.rung for rung in rungs if not rung.dense]
    whole = _over(dense, figure)
    place = outlying_in_table([r.parameters for r in dense], [r.figures[figure] for r in dense])
    without = None if place is None else _over([r for i, r in enumerate(dense) if i != place], figure)
    outlying = None if place is None else dense[place].rung
    told = _words(whole, alpha)
    if without is not None:
        told += f"; {outlying} stands outside the ladder: look at its training. Without it, {figure} "
        told += _words(without, alpha)
    if reference:
        told += f"; {', '.join(reference)} (not dense) stands beside as a reference and is not counted"
    return TableReading(figure=figure, whole=whole, outlying=outlying, without=without, told=f"{figure} {told}.")


def _over(dense: Sequence[TableRung], figure: str) -> Rise:
    return read_rise([r.rung for r in dense], [r.parameters for r in dense], [r.figures[figure] for r in dense])


def _words(rise: Rise, alpha: float) -> str:
    shown = f"rank correlation with size {rise.correlation:+.2f}"
    if rise.strict:
        told = f"rises at every step of {len(rise.rungs)} rungs ({shown}, {told_p(rise.p_rise)})"
    elif rise.p_rise < alpha:
        told = f"rises on the whole, though not at every step ({shown}, {told_p(rise.p_rise)})"
    elif rise.p_fall < alpha:
        told = f"falls as rungs grow ({shown}, {told_p(rise.p_fall)}), which points at the labels"
    else:
        told = f"does not surely rise ({shown}, {told_p(rise.p_rise)})"
    if rise.p_rise >= alpha and rise.strict:
        told += "; so few rungs prove nothing by their order alone"
    return told


def _permuted(values: Floats) -> tuple[float, float]:
    """One-sided p of a rise and of a fall: the share of orders whose rank correlation with size is at least as far."""
    count = len(values)
    ranks, sizes = rankdata(values), np.arange(count)
    if count > MOST_EXACT:
        rise, fall = (float(spearmanr(sizes, ranks, alternative=side).pvalue) for side in ("greater", "less"))
        return rise, fall
    own = float(ranks @ sizes)
    every = np.array(list(permutations(ranks.tolist()))) @ sizes
    return float(np.mean(every >= own - 1e-9)), float(np.mean(every <= own + 1e-9))


def _line(sizes: Floats, values: Floats) -> tuple[float, tuple[float, float] | None]:
    centred = sizes - sizes.mean()
    spread = float(centred @ centred)
    slope = float(centred @ values) / spread
    if len(values) < LEAST_RUNGS:
        return slope, None
    residuals = values - values.mean() - slope * centred
    free = len(values) - 2
    half = float(t.ppf(0.975, free)) * float(np.sqrt(residuals @ residuals / free / spread))
    return slope, (slope - half, slope + half)

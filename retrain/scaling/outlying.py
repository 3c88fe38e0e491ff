"""Rungs that stand outside their ladder: far below a smaller rung, or far above a larger one. Pure.

A rung is held against the rising curve (isotonic regression) through all the others: between its neighbours' values
there it is where it should be. Two rules say how far outside is too far; both name a rung only if the others rise
without it, for in a ladder that falls every rung is outside.
"""

from collections.abc import Sequence

import numpy as np
from scipy.stats import rankdata, t

from models.metrics import Floats

LEVEL = 0.05
"""How often a clean ladder may have any rung named, with items to draw."""
TABLE_LEVEL = 0.15
"""The same in a table, where three errors are all there is to tell how far is too far; ``SHARE`` makes it rarer."""
SHARE = 1 / 3
"""... and it must lie so far outside, as part of the others' whole range."""
LEAST_RUNGS = 5
"""A straight line through three others and an error of it: below five rungs a table has nothing to judge by."""
LEAST_DRAWN = 4
"""... and below four, even with items, it cannot be told whether one rung is too low or the other too high."""
ROUNDING = 1e-9
RISES = 0.6
"""Rank correlation with size that the other rungs must have."""


def isotonic(values: Floats) -> Floats:
    """Rising curve closest to values (..., rungs), by least squares: the max-min formula of isotonic regression."""
    count = values.shape[-1]
    sums = np.concatenate([np.zeros((*values.shape[:-1], 1)), np.cumsum(values, axis=-1)], axis=-1)
    found = np.empty_like(values, dtype=np.float64)
    for place in range(count):
        best = np.full(values.shape[:-1], -np.inf)
        for start in range(place + 1):
            means = (sums[..., place + 1 :] - sums[..., start, None]) / (np.arange(place + 1, count + 1) - start)
            best = np.maximum(best, means.min(axis=-1))
        found[..., place] = best
    return found


def outside(values: Floats, place: int) -> Floats:
    """How far rung ``place`` is below (negative) or above (positive) the rising curve through the others; (...)."""
    others = isotonic(np.delete(values, place, axis=-1))
    below = others[..., place - 1] if place > 0 else np.full(values.shape[:-1], -np.inf)
    above = others[..., place] if place < values.shape[-1] - 1 else np.full(values.shape[:-1], np.inf)
    own = values[..., place]
    far = np.where(own < below, own - below, np.where(own > above, own - above, 0.0))
    found: Floats = np.where(np.abs(far) > ROUNDING * np.abs(values).max(axis=-1), far, 0.0)
    return found


def rank_correlation(values: Floats) -> float:
    """Spearman's correlation of values (rungs,), smallest rung first, with size: -1 to 1; 0 where all are alike."""
    if len(values) < 2 or np.ptp(values) == 0:
        return 0.0
    return float(np.corrcoef(np.arange(len(values)), rankdata(values))[0, 1])


def outlying_in_table(parameters: Sequence[int], values: Sequence[float]) -> int | None:
    """The rung that stands out in one figure a rung, or None: the largest residual from a line, if it breaks the order.

    The line (figure over the logarithm of size) goes through the other rungs, whose scatter says how far is too far:
    the externally studentised residual, Bonferroni over the rungs. In made-up ladders of six rungs with two points a
    step a sound rung was named in 0, 0 and 3 of 100 (scatter .5, 1, 2 points), and in 9 of 100 where nothing rose.
    """
    count = len(values)
    if count < LEAST_RUNGS:
        return None
    sizes, figures = np.log2(np.array(parameters, dtype=np.float64)), np.array(values, dtype=np.float64)
    far = [_studentised(sizes, figures, place) for place in range(count)]
    bound = float(t.ppf(1 - TABLE_LEVEL / (2 * count), count - 3))
    named = [
        place
        for place in range(count)
        if abs(far[place]) > bound
        and abs(float(outside(figures, place))) > SHARE * float(np.ptp(np.delete(figures, place)))
        and _rise(figures, place)
    ]
    return max(named, key=lambda place: abs(far[place])) if named else None


def outlying_in_draws(seen: Floats, drawn: Floats, level: float = LEVEL) -> int | None:
    """The rung that stands out surely, or None.

    ``seen`` (rungs,) is the figure, ``drawn`` (draws, rungs) what it would be with other conversations; a rung is named
    that lies on the same side outside the others' curve in all but ``level`` over the number of rungs of the draws.
    """
    count = len(seen)
    if count < LEAST_DRAWN:
        return None
    far = np.array([float(outside(seen, place)) for place in range(count)])
    named = [
        place
        for place in range(count)
        if far[place] != 0
        and float(np.mean(np.sign(outside(drawn, place)) != np.sign(far[place]))) < level / (2 * count)
        and _rise(seen, place)
    ]
    return max(named, key=lambda place: abs(far[place])) if named else None


def _rise(values: Floats, without: int) -> bool:
    return rank_correlation(np.delete(values, without)) >= RISES


def _studentised(sizes: Floats, figures: Floats, place: int) -> float:
    x, y = np.delete(sizes, place), np.delete(figures, place)
    centred = x - x.mean()
    spread = float(centred @ centred)
    slope = float(centred @ y) / spread
    residuals = y - y.mean() - slope * centred
    scatter = float(np.sqrt(residuals @ residuals / (len(x) - 2)))
    off = float(sizes[place] - x.mean())
    error = scatter * float(np.sqrt(1 + 1 / len(x) + off**2 / spread))
    gap = float(figures[place] - y.mean() - slope * off)
    return gap / max(error, 1e-9 * max(1.0, float(np.abs(figures).max())))

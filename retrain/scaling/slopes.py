"""Trends of F1, precision and the label's log-probability over size, with intervals over conversations. Pure.

Whole conversations are drawn, the same for all rungs: what rungs share (hard conversations) cancels out of a slope.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from models.metrics import Floats
from models.resample import f1_of, macro_f1_of, precision_of, tables
from retrain.judged import Judged, answering, scored
from retrain.scaling.gold import Blocks, blocks
from retrain.scaling.outlying import outlying_in_draws

FIGURES = {"precision": precision_of, "F1": f1_of, "macro-F1": macro_f1_of}
GOLD = "gold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slope:
    """How one figure moves over the rungs, smallest first.

    ``per_doubling`` is how much it gains when parameters double (least squares; shares 0..1, or nats for the label's
    log-probability), with a 95 % interval; ``p_rise`` the share of draws without a rise. ``strict`` tells whether it
    rises at every step: the paper's rule. ``outlying`` is the position of a rung that surely stands outside its
    ladder, looked for by the label's log-probability alone.
    """

    figure: str
    values: tuple[float, ...]
    per_doubling: float
    interval: tuple[float, float]
    p_rise: float
    strict: bool
    outlying: int | None


def slopes(
    ladder: Sequence[Judged], parameters: Sequence[int], gold: Blocks, times: NDArray[np.int64]
) -> dict[str, Slope]:
    """Slopes of precision, F1, macro-F1 and the label's log-probability (``gold``).

    ``ladder`` holds two rungs at the least that judged the same items, smallest first; ``gold`` is what ``gold_blocks``
    says of it; ``times`` (draws, conversations) how often each conversation is drawn.
    """
    cluster, count = blocks(ladder[0].conversations)
    counted = np.stack([_tables(rows, cluster, count) for rows in ladder])
    drawn = {name: (of(counted.sum(axis=1)), of(times @ counted).T) for name, of in FIGURES.items()}
    drawn[GOLD] = (gold.sums.sum(axis=0) / gold.mass.sum(), (times @ gold.sums) / (times @ gold.mass)[:, None])
    return {name: _slope(name, seen, many, parameters) for name, (seen, many) in drawn.items()}


def rank_effect(means: Floats, times: NDArray[np.int64]) -> tuple[float, tuple[float, float]]:
    """Page's statistic as an effect size: the mean over conversations of the rank correlation of size and agreement.

    ``means`` (conversations, rungs) as ``block_means`` gives them, ``times`` as above. Chance gives 0, a rise in every
    conversation 1; with a 95 % interval over conversations.
    """
    conversations, rungs = means.shape
    sizes = np.arange(rungs) - (rungs - 1) / 2
    each = (rankdata(means, axis=1) - (rungs + 1) / 2) @ sizes / float(sizes @ sizes)
    low, high = np.quantile(times @ each / conversations, [0.025, 0.975])
    return float(each.mean()), (float(low), float(high))


def _tables(rows: Judged, cluster: NDArray[np.int64], count: int) -> Floats:
    """Confusion tables (conversations, 4); empty for a conversation of abstaining labels only."""
    own = cluster[answering(rows)]
    found = np.zeros((count, 4))
    found[np.unique(own)] = tables(replace(scored(rows), cluster=own))
    return found


def _slope(name: str, seen: Floats, drawn: Floats, parameters: Sequence[int]) -> Slope:
    sizes = np.log2(np.array(parameters, dtype=np.float64))
    centred = (sizes - sizes.mean()) / float(((sizes - sizes.mean()) ** 2).sum())
    many = drawn @ centred
    low, high = np.quantile(many, [0.025, 0.975])
    return Slope(
        figure=name,
        values=tuple(seen.tolist()),
        per_doubling=float(seen @ centred),
        interval=(float(low), float(high)),
        p_rise=float((np.sum(many <= 0) + 1) / (len(many) + 1)),
        strict=all(small < large for small, large in pairwise(seen.tolist())),
        outlying=outlying_in_draws(seen, drawn) if name == GOLD else None,
    )

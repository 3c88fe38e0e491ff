"""Wrong labels, seen at the items: how many there are, and whether they side with the small model. Pure.

A trend over sizes is blind to labels that are wrong at random: they blur all rungs alike. What tells them is where the
upper rungs, which never saw a label of the same conversation, are surest: there their own errors are rarest, and what
contradicts them is mostly the label. (Points at which a class is almost certain give the noise rate away: "anchor
points", Patrini et al. 2017; the surest three in ten stand for them here, as the surest fifth does in
retrain/suspects.py.)
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import hypergeom

from models.metrics import Floats
from retrain.judged import Judged, answered, answering
from retrain.scaling.gold import blocks
from retrain.stack import stacked

UPPER = 2
"""How many of the largest rungs have a say."""
SUREST = 0.3
"""Part of each side, the surest, on which wrong labels are counted: more labels make the bound tighter, less sure ones
add the rungs' own errors."""
SURE_OF_BOTH = 0.5
"""Part of all labels, the surest, among which those are looked for that side with the small rung."""
LEAST = 50
"""With fewer labels nothing is said."""
LEAST_OF_EACH = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """Labels beside what the upper rungs hold likely; abstaining labels are left out.

    ``given`` (n,): whether each label is positive; ``upper`` (rungs, n): the upper rungs' chances of that, ``chance``
    (n,) both fitted together to mean what they say (retrain/stack.py); ``kept`` (n,): rows in the readings; ``cluster``
    (n,): number of the conversation, of ``conversations``.
    """

    given: NDArray[np.bool_]
    upper: Floats
    chance: Floats
    kept: NDArray[np.int64]
    cluster: NDArray[np.int64]
    conversations: int

    def count(self, *columns: NDArray[np.bool_]) -> Floats:
        """Add up columns (n,) by conversation: (conversations, columns)."""
        counted = [np.bincount(self.cluster, weights=column, minlength=self.conversations) for column in columns]
        return np.stack(counted, axis=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """Estimated share (0..1) of wrong labels, with its one-sided bounds over conversations.

    ``no_for_yes``: how often a burst whose right answer is positive is labelled negative; ``yes_for_no``: the other
    way. ``looked_at``: labels in the surest part. ``disagree``: share of all labels that every upper rung contradicts,
    their own errors included.
    """

    share: float
    low: float
    high: float
    no_for_yes: float
    yes_for_no: float
    looked_at: int
    labels: int
    disagree: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Siding:
    """Do the labels that contradict sure upper rungs side with the smallest rung more than chance would have it?

    Of ``labels`` (the surer half), ``against`` contradict both largest rungs, and ``sided`` of these are what the
    smallest rung says; were they wrong at random, it would be ``expected``, for the smallest contradicts the largest at
    that rate where the labels do not. ``excess`` is the surplus as a share (0..1) of ``labels``, ``low`` its lower
    bound over conversations. ``p`` is Fisher's exact one-sided test of the same, which takes labels
    to be independent and is shown only.
    """

    labels: int
    against: int
    sided: int
    expected: float
    excess: float
    low: float
    p: float


def sides(tuned: Sequence[Judged]) -> Sides | None:
    """Set labels beside the upper of the tuned rungs' out-of-fold readings; None with too few labels."""
    top = tuned[-1]
    kept = answering(top)
    given = top.gold[kept] == top.question.index(top.question.positive)
    if len(given) < LEAST or min(given.sum(), (~given).sum()) < LEAST_OF_EACH:
        return None
    upper = np.stack([answered(rows)[kept] for rows in tuned[-UPPER:]])
    names = [top.conversations[i] for i in kept]
    cluster, count = blocks(names)
    chance = stacked(given.astype(np.float64), upper, names)
    return Sides(given=given, upper=upper, chance=chance, kept=kept, cluster=cluster, conversations=count)


def noise(found: Sides, alpha: float, times: NDArray[np.int64]) -> Noise:
    """Estimate the share of wrong labels, with one-sided bounds at level ``alpha``.

    ``times`` (draws, conversations) is how often each conversation is drawn.
    """
    said = found.chance >= 0.5
    surest = np.zeros(len(said), dtype=np.bool_)
    for side in (True, False):
        here = np.flatnonzero(said == side)
        if len(here):
            sure = np.abs(found.chance[here] - 0.5)
            surest[here[sure >= np.quantile(sure, 1 - SUREST)]] = True
    wrong = surest & (said != found.given)
    counted = found.count(wrong & said, wrong & ~said, surest & said, surest & ~said, said, ~said)
    drawn = _share(times @ counted)
    low, high = np.quantile(drawn, [alpha, 1 - alpha])
    whole = counted.sum(axis=0)
    return Noise(
        share=float(_share(whole)),
        low=float(low),
        high=float(high),
        no_for_yes=float(whole[0] / max(whole[2], 1)),
        yes_for_no=float(whole[1] / max(whole[3], 1)),
        looked_at=int(surest.sum()),
        labels=len(said),
        disagree=float(np.mean(np.all((found.upper >= 0.5) != found.given, axis=0))),
    )


def siding(found: Sides, smallest: Judged, alpha: float, times: NDArray[np.int64]) -> Siding:
    """Hold the labels, the smallest rung (vanilla or tuned) and the upper tuned rungs against each other.

    ``times`` (draws, conversations) is how often each conversation is drawn.
    """
    small = answered(smallest)[found.kept] >= 0.5
    large = found.upper >= 0.5
    sure = np.abs(found.chance - 0.5)
    looked = np.all(large == (found.chance >= 0.5), axis=0) & (sure >= np.quantile(sure, 1 - SURE_OF_BOTH))
    differ, against = looked & (small != large[-1]), looked & (found.given != large[-1])
    counted = found.count(looked, against, differ & against, differ & ~against)
    labels, contra, sided, honest = counted.sum(axis=0).tolist()
    return Siding(
        labels=int(labels),
        against=int(contra),
        sided=int(sided),
        expected=contra * honest / max(labels - contra, 1),
        excess=float(_excess(counted.sum(axis=0))),
        low=float(np.quantile(_excess(times @ counted), alpha)),
        p=float(hypergeom.sf(sided - 1, labels, sided + honest, contra)),
    )


def _share(counts: Floats) -> Floats:
    """Wrong labels as a share of all: from counts (..., 6) of wrong on the surest of both sides, of these, of all."""
    wrong, seen, size = counts[..., :2], counts[..., 2:4], counts[..., 4:]
    found: Floats = (wrong / np.maximum(seen, 1) * size).sum(axis=-1) / np.maximum(size.sum(axis=-1), 1)
    return found


def _excess(counts: Floats) -> Floats:
    """Surplus of labels that side with the smallest rung, as a share of those looked at: from counts (..., 4)."""
    labels, contra, sided, honest = np.moveaxis(counts, -1, 0)
    found: Floats = (sided - contra * honest / np.maximum(labels - contra, 1)) / np.maximum(labels, 1)
    return found

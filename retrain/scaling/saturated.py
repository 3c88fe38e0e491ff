"""A top that is flat is no top that falls: how far the largest rung stands from a better smaller one, in answers. Pure.

Signed ranks find a largest rung that is a little less sure than the one before it, however little that matters. It
does not matter to the labels where it answers as well, within the margin that a challenger is allowed, on a ladder that
surely rises by more than that margin. The second half is needed: under labels that lean to the small model all rungs
answer alike, too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.metrics import macro_f1
from models.resample import draws, macro_f1_of, tables
from retrain.judged import Judged, scored

DRAWS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Top:
    """Macro-F1 that the largest rung has less than a ``better`` one, and more than the smallest.

    ``most_lost`` and ``least_gained`` are one-sided bounds over conversations.
    """

    lost: float
    most_lost: float
    gained: float
    least_gained: float

    def flat(self, margin: float) -> bool:
        """Whether it surely loses less than the margin where the ladder surely gained more."""
        return self.most_lost < margin < self.least_gained


def top_of(rungs: Sequence[Judged], better: int, alpha: float, rng: np.random.Generator) -> Top | None:
    """Set the largest of the rungs (smallest first) beside the one at ``better`` and the smallest; None without labels.

    ``alpha`` is the level of each bound.
    """
    three = [scored(rungs[place]) for place in (0, better, -1)]
    if not len(three[0].gold):
        return None
    counted = [tables(one) for one in three]
    times = draws(len(counted[0]), DRAWS, rng)
    smallest, rival, largest = (macro_f1_of(times @ one) for one in counted)
    whole = [macro_f1(one) for one in three]
    return Top(
        lost=whole[1] - whole[2],
        most_lost=float(np.quantile(rival - largest, 1 - alpha)),
        gained=whole[2] - whole[0],
        least_gained=float(np.quantile(largest - smallest, alpha)),
    )

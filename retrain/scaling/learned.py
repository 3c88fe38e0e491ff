"""Whether a rung surely learned something from the labels: what it must, before its trend says anything. Pure.

A rung that was trained too shortly gives the labels no more probability than their own rates do, and its place among
others is chance: so read, a ladder of right labels falls as often as one of wrong labels. Macro-F1 alone does not tell,
for one answer more on the rarer side lifts it above the majority's.
"""

from dataclasses import dataclass

import numpy as np

from models.resample import draws
from retrain.judged import Judged
from retrain.scaling.gold import blocks, gold_elsewhere
from retrain.trend import beats_baseline, prior

DRAWS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """How much more log-probability (nats a label) a rung gives the labels than their own rates do.

    ``low`` is a one-sided bound over conversations. ``answers`` tells whether the rung's macro-F1 is surely above the
    majority's and a guess's.
    """

    gain: float
    low: float
    answers: bool

    @property
    def sure(self) -> bool:
        """Whether it surely answers better than without a model, and knows more than the labels' rates."""
        return self.answers and self.low > 0


def learned(rows: Judged, alpha: float, rng: np.random.Generator) -> Learned:
    """Hold a rung against the labels' own rates, at level ``alpha``; nothing is learned where there are no labels."""
    answers = beats_baseline(rows, alpha, rng)
    if not len(rows):
        return Learned(gain=0.0, low=0.0, answers=answers)
    gain = gold_elsewhere(rows) - prior(rows)
    cluster, count = blocks(rows.conversations)
    sums = np.bincount(cluster, weights=gain * rows.weight, minlength=count)
    mass = np.bincount(cluster, weights=rows.weight, minlength=count)
    times = draws(count, DRAWS, rng)
    low = float(np.quantile((times @ sums) / (times @ mass), alpha))
    return Learned(gain=float(sums.sum() / mass.sum()), low=low, answers=answers)

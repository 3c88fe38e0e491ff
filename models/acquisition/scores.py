"""How much there is to learn from an answer, by what models say: higher is more. All from 0 to 1 a question.

A request asks all questions at once. Their scores add up, each times the probability that the question applies: the
chain rule of entropy, and by analogy of the others.
"""

import math
from collections.abc import Callable

import numpy as np

from models.acquisition.pool import Floats, Pool

_TINY = 1e-12


def by_margin(chances: Floats) -> Floats:
    """One less the gap between the two likeliest options of the deciding model (Scheffer et al. 2001): to [n]."""
    best = np.sort(chances[0], axis=-1)
    gap: Floats = 1.0 - (best[:, -1] - best[:, -2])
    return gap


def by_entropy(chances: Floats) -> Floats:
    """Entropy of the deciding model's answer, in units of its largest value: [m, n, k] to [n]."""
    return _entropy(chances[0]) / math.log(chances.shape[-1])


def by_disagreement(chances: Floats) -> Floats:
    """Mean divergence of the models from their mean (McCallum & Nigam 1998), 0 for a committee of one: to [n]."""
    apart = _entropy(chances.mean(axis=0)) - _entropy(chances).mean(axis=0)
    found: Floats = np.clip(apart, 0.0, None) / math.log(chances.shape[-1])
    return found


def summed(pool: Pool, score: Callable[[Floats], Floats]) -> Floats:
    """A score of every burst [n] over all questions."""
    total = np.zeros(len(pool))
    for view in pool.views:
        total += view.applies * score(view.chances)
    return total


def _entropy(chances: Floats) -> Floats:
    nats: Floats = -(chances * np.log(np.clip(chances, _TINY, 1.0))).sum(axis=-1)
    return nats

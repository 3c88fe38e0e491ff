"""Bootstrap over conversations, on confusion tables: thousands of draws at the cost of one matrix product. Pure.

Items of one conversation are alike, so whole conversations are drawn. A figure of a draw depends on its rows only
through the sum of its conversations' tables, so each conversation's table is counted once.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from models.metrics import Floats, Scored

Figure = Callable[[Floats], Floats]
"""From tables (..., 4) of true positives, false positives, false negatives and true negatives to figures (...)."""


def tables(s: Scored, *, weighted: bool = True) -> Floats:
    """Confusion tables (conversations, 4) at a threshold of 0.5, in order of the conversations' numbers."""
    names, place = np.unique(s.cluster, return_inverse=True)
    cell = np.select([(s.positive >= 0.5) & (s.gold > 0.5), s.positive >= 0.5, s.gold > 0.5], [0, 1, 2], 3)
    mass = s.weight if weighted else np.ones(len(s.gold))
    counted = np.bincount(place * 4 + cell, weights=mass, minlength=4 * len(names))
    return counted.astype(np.float64).reshape(len(names), 4)


def draws(conversations: int, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """How often each conversation was drawn (count, conversations): as many as there are, with replacement."""
    return rng.multinomial(conversations, np.full(conversations, 1 / conversations), size=count)


def precision_of(t: Floats) -> Floats:
    """Share of what was called positive that is; 0 where nothing was."""
    return _ratio(t[..., 0], t[..., 0] + t[..., 1])


def recall_of(t: Floats) -> Floats:
    """Share of the positives that were found; 0 where there are none."""
    return _ratio(t[..., 0], t[..., 0] + t[..., 2])


def f1_of(t: Floats) -> Floats:
    """F1 of the positive class."""
    return _ratio(2 * t[..., 0], 2 * t[..., 0] + t[..., 1] + t[..., 2])


def macro_f1_of(t: Floats) -> Floats:
    """Mean of the F1 of both classes."""
    negative = _ratio(2 * t[..., 3], 2 * t[..., 3] + t[..., 1] + t[..., 2])
    both: Floats = (f1_of(t) + negative) / 2
    return both


def _ratio(part: Floats, whole: Floats) -> Floats:
    found: Floats = np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
    return found

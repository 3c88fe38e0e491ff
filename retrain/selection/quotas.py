"""How many labels of each answer to take. Pure."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Balance = Literal["none", "rates", "even"]
"""As the ranking has it; each answer keeps its share of all labels; as many of each answer as there are."""


def quotas(there: Counts, labels: Counts, count: int, balance: Literal["rates", "even"]) -> Counts:
    """Labels to take of each answer, ``min(count, there.sum())`` in all.

    ``there`` (k,): how many can be taken of each; ``labels`` (k,): how many there were before any filter. Where an
    answer has too few, the others make up for it in the same proportion.
    """
    wanted = labels.astype(np.float64) if balance == "rates" else np.ones(len(there))
    left = min(count, int(there.sum()))
    taken = np.zeros(len(there), dtype=np.int64)
    while left > 0:
        open_ = taken < there
        share = np.where(open_, np.maximum(wanted, 1e-9), 0.0)
        exact = taken + left * share / share.sum()
        full = open_ & (exact >= there)
        if full.any():  # these are taken whole, and what is left is dealt out among the others
            left -= int((there - taken)[full].sum())
            taken[full] = there[full]
            continue
        floor: Counts = np.floor(exact).astype(np.int64)
        short = left - int((floor - taken).sum())
        largest = np.argsort(-(exact - floor), kind="stable")[:short]
        floor[largest] += 1
        return floor
    return taken

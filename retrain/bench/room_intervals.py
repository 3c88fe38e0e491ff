"""How far shares would have been off with other rooms: whole conversations are drawn anew. Pure."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.resample import draws

DRAWS = 2000
INTERVAL = (0.025, 0.975)
Counts = NDArray[np.int64]


def share_interval(counted: Sequence[Counts], whole: Sequence[Counts], *, seed: int = 0) -> tuple[float, float] | None:
    """95 % interval of a mean share over runs, ``counted`` / ``whole``, each (conversations,) and of the same ones.

    A draw in which a run has nothing to count gives 0 for that run, as the share itself does. None where all stands in
    one conversation, which tells nothing about others.
    """
    conversations = len(counted[0])
    if conversations < 2:
        return None
    times = draws(conversations, DRAWS, np.random.default_rng(seed))
    shares = np.zeros(DRAWS)
    for part, total in zip(counted, whole, strict=True):
        below = times @ total
        shares += np.where(below > 0, times @ part / np.maximum(below, 1), 0.0) / len(counted)
    low, high = np.quantile(shares, INTERVAL)
    return float(low), float(high)

"""Confident learning, as cleanlab does it (Northcutt, Jiang and Chuang 2021): home of that package.

cleanlab is Apache-2.0 as of 2.9.0 (LICENSE in its wheel); releases before were AGPL-3.0, so pyproject.toml lets none
"""

import numpy as np
from numpy.typing import NDArray

from models.metrics import Floats

LEAST_OF_EACH = 5
"""With fewer labels of an answer nothing is said: one odd label would make a noise rate."""


def confident_issues(given: Floats, chance: Floats) -> NDArray[np.bool_]:
    """Labels (n,) that confident learning prunes by noise rate.

    ``given`` (n,): 1 for a positive label, 0 for a negative one; ``chance`` (n,): out-of-fold probability of the
    positive one.
    """
    labels = given.astype(np.int64)
    if np.bincount(labels, minlength=2).min() < LEAST_OF_EACH:
        return np.zeros(len(given), dtype=np.bool_)
    from cleanlab.filter import find_label_issues  # noqa: PLC0415 - takes seconds to load, and is needed once a night

    columns = np.stack([1 - chance, chance], axis=1)
    found: NDArray[np.bool_] = find_label_issues(labels, columns, filter_by="prune_by_noise_rate", n_jobs=1)
    return found

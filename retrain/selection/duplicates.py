"""Near-duplicates among ranked labels: same answer, and bursts alike in their character n-grams. Pure."""

import numpy as np
from numpy.typing import NDArray

from models.acquisition.ngrams import ALIKE
from models.acquisition.pool import Rows, Vectors

BLOCK = 512
"""Rows compared at a time: memory grows with the labels, not with their square."""


def repeated(vectors: Vectors, answer: NDArray[np.int64], order: Rows) -> NDArray[np.bool_]:
    """Mark (n,) each label that is a near-duplicate of one before it in ``order`` that is not marked itself.

    Bursts alike with different answers both stay: how often each is given is what is to be learned. Windows are not
    compared. A burst without any character is like nothing.
    """
    marked = np.zeros(len(vectors), dtype=np.bool_)
    for option in np.unique(answer[order]):
        rows = order[answer[order] == option]
        marked[rows] = _later(vectors[rows])
    return marked


def _later(vectors: Vectors) -> NDArray[np.bool_]:
    """Mark (n,) rows like an unmarked one before them."""
    marked = np.zeros(len(vectors), dtype=np.bool_)
    for start in range(0, len(vectors), BLOCK):
        block = vectors[start : start + BLOCK]
        kept = vectors[:start][~marked[:start]]
        gone = (block @ kept.T).max(axis=1, initial=-1.0) >= ALIKE
        near = block @ block.T >= ALIKE
        for place in range(len(block)):
            gone[place] = gone[place] or bool((near[place, :place] & ~gone[:place]).any())
        marked[start : start + BLOCK] = gone
    return marked

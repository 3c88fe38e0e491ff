"""Bursts that may be asked about, as arrays."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What m models say about one question for n bursts.

    ``chances`` [m, n, k]: probabilities of its k options (they sum to 1); the first model is the one that decides, the
    others sit with it in a committee. ``applies`` [n]: the probability that the question is to be asked at all.
    """

    chances: Floats
    applies: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """n bursts, in order of time. ``vectors`` [n, d] and ``asked`` [a, d], of those asked about lately, have length 1.

    What is said about bursts is read by the questions that are unsure; a pool needs one at least.
    """

    views: tuple[View, ...]
    vectors: Vectors
    asked: Vectors

    def __len__(self) -> int:
        return len(self.vectors)

    def take(self, rows: Rows) -> "Pool":
        """The bursts at these places."""
        views = tuple(View(chances=v.chances[:, rows], applies=v.applies[rows]) for v in self.views)
        return Pool(views=views, vectors=self.vectors[rows], asked=self.asked)

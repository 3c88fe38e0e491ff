"""What an untuned and a tuned model make of the labels of one question, as columns."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.acquisition.pool import Rows, Vectors
from models.ids import BurstId
from models.metrics import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """n labels of one question.

    ``answer`` (n,): option index of the label. Losses (n,) are -log p of the label in nats. ``base`` is the untuned
    model's and ``reference`` that of the same model tuned on the labels of *other* conversations, both made to mean
    what they say (fitted.py). ``untuned`` is the untuned model's as it is, ``blank`` the same without any burst.
    ``margin`` (n,): gap between the reference's two likeliest options. ``vectors`` (n, d): n-grams of the burst, of
    length 1.
    """

    ids: tuple[BurstId, ...]
    answer: NDArray[np.int64]
    base: Floats
    reference: Floats
    untuned: Floats
    blank: Floats
    margin: Floats
    vectors: Vectors

    def __len__(self) -> int:
        """Labels."""
        return len(self.ids)

    def take(self, rows: Rows) -> "Losses":
        """The labels at these places."""
        return Losses(
            ids=tuple(self.ids[i] for i in rows.tolist()),
            answer=self.answer[rows],
            base=self.base[rows],
            reference=self.reference[rows],
            untuned=self.untuned[rows],
            blank=self.blank[rows],
            margin=self.margin[rows],
            vectors=self.vectors[rows],
        )

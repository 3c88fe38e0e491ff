"""A labelled burst: what datasets hold, models are trained on and evaluations score."""

from collections.abc import Mapping
from dataclasses import dataclass

from models.chat import Burst
from models.ids import OptionId, QuestionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A burst with its agreed answers.

    ``conversation`` groups items that may not be split between training and holdout; ``weight`` is 1 over the
    probability with which the item was sampled; ``audit`` items were drawn at random and labelled blind.
    What is not ``trainable``, because its room agreed to labelling alone, is calibrated and judged on.
    """

    burst: Burst
    answers: Mapping[QuestionId, OptionId]
    conversation: str
    weight: float = 1.0
    audit: bool = False
    trainable: bool = True

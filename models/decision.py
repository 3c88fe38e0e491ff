"""What a model said about a burst, and what Quandary does about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from models.consent import Mode
from models.ids import BurstId, OptionId, QuestionId, Revision


class Route(StrEnum):
    """What happens to a burst: reply to it, ask people about it, or stay silent."""

    ACT = "act"
    ASK = "ask"
    PASS = "pass"  # noqa: S105 - the design's word for staying silent, not a password


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A model's calibrated answer to one question about one burst.

    ``probabilities`` maps every option to its probability (they sum to 1); ``margin`` is the gap between the two most
    likely options (0..1); ``sure`` says which side, if any, may be acted on: the positive option's id, a negative
    option's id, or None.
    """

    burst: BurstId
    question: QuestionId
    question_version: str
    probabilities: Mapping[OptionId, float]
    margin: float
    sure: OptionId | None
    revision: Revision
    milliseconds: float
    decided_at: datetime

    @property
    def best(self) -> OptionId:
        """The most likely option."""
        return max(self.probabilities, key=lambda option: self.probabilities[option])


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """The route of one burst, why it was taken, and whether the burst is part of the audit sample."""

    burst: BurstId
    route: Route
    reason: str
    audit: bool
    probability: float
    """The probability with which the burst came to be labelled: 1 if it was, or would have been, chosen as unsure."""
    unsure: bool = False
    """Whether it is worth asking about: it may be picked from the pool."""
    mode: Mode | None = None
    """The mode of its room at that time; None for what was routed before rooms had modes."""

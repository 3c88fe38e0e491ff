"""Labels that may be wrong, and what became of the second looks at them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from models.ids import BurstId, OptionId, QuestionId, RequestId

THRESHOLD = 0.5
"""A label is suspect from this suspicion on: rather wrong than right, as far as the predictors can tell."""


class Reason(StrEnum):
    """What speaks against a label.

    The upper rungs agree against it, confident learning prunes it, or its annotators err more often this way than
    chance and the others.
    """

    RUNGS = "rungs"
    CONFIDENT = "confident"
    ANNOTATOR = "annotator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """One label with its suspicion (0..1): the estimated probability that it is wrong.

    ``suspected`` is the option that the predictors hold for right.
    """

    burst: BurstId
    question: QuestionId
    question_version: str
    given: OptionId
    suspected: OptionId
    suspicion: float
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A second look that people were asked for: at a suspect label, or at a random control (never told apart to them).

    ``given`` is the label when it was sent, ``now`` the label today, None where none is settled.
    """

    request: RequestId
    weighed: Weighed
    control: bool
    sent_at: datetime
    answered: bool
    now: OptionId | None

    @property
    def changed(self) -> bool:
        """Whether people who looked again settled on something else."""
        return self.answered and self.now is not None and self.now != self.weighed.given

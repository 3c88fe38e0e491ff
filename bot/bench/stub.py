"""A decider without a model, so that what is measured is everything else."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

from models.chat import Burst
from models.decision import Decision
from models.ids import OptionId, Revision
from models.question import Question


class StubDecider:
    """Answers by a hash of the text: a fifth surely positive, a half surely negative, the rest unsure."""

    revision = Revision("stub")

    def __init__(self, questions: Sequence[Question]) -> None:
        self._questions = [(question, question.version) for question in questions]

    def decide(self, bursts: Sequence[Burst]) -> list[tuple[Decision, ...]]:
        """Decide without reading."""
        now = datetime.now(UTC)
        return [tuple(_decision(burst, *asked, now) for asked in self._questions) for burst in bursts]

    def close(self) -> None:
        """Nothing is held open."""


def _decision(burst: Burst, question: Question, version: str, now: datetime) -> Decision:
    share = hashlib.sha256(f"{question.id}{burst.text}".encode("utf-8", "replace")).digest()[0] / 256
    negative = next(option.id for option in question.options if option.id != question.positive)
    sure: OptionId | None = question.positive if share < 0.2 else negative if share < 0.7 else None
    yes = 1 - share
    rest = share / (len(question.options) - 1)
    return Decision(
        burst=burst.id,
        question=question.id,
        question_version=version,
        probabilities={option.id: yes if option.id == question.positive else rest for option in question.options},
        margin=abs(2 * yes - 1),
        sure=sure,
        revision=StubDecider.revision,
        milliseconds=0.0,
        decided_at=now,
    )

"""A decider without a model: says what the test says about each text."""

from collections.abc import Callable
from datetime import UTC, datetime

from models.decision import Decision
from models.errors import ModelError
from models.ids import Revision


class Scripted:
    """``says(text)`` gives, for each question, the probability of yes; ``sure`` what it may act on, by question."""

    def __init__(self, questions, says: Callable[[str], tuple[float, ...]], revision="small", sure=None) -> None:
        self.questions, self.says, self.revision, self.sure = questions, says, Revision(revision), sure or {}
        self.asked: list[list[str]] = []
        self.fails = self.closed = False

    def decide(self, bursts):
        self.asked.append([burst.text for burst in bursts])
        if self.fails:
            raise ModelError("out of order")
        return [tuple(map(self._one, [burst] * 2, self.questions, self.says(burst.text))) for burst in bursts]

    def close(self) -> None:
        self.closed = True

    def _one(self, burst, question, yes: float) -> Decision:
        return Decision(
            burst=burst.id,
            question=question.id,
            question_version=question.version,
            probabilities={"yes": yes, "no": 1 - yes, "unsure": 0.0},
            margin=abs(2 * yes - 1),
            sure=self.sure.get(question.id),
            revision=self.revision,
            milliseconds=2.0,
            decided_at=datetime(2026, 1, 1, tzinfo=UTC),
        )

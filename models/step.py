"""What the gate proposes to do next where it does not let a candidate pass: one thing, and why."""

from dataclasses import dataclass
from enum import StrEnum

from models.ids import QuestionId


class Move(StrEnum):
    """The kinds of next steps.

    ``label``: more labels are missing; ``suspects``: suspect labels are to be looked at again; ``revise``: the question
    itself looks wrong, so its words are to be revised; ``train``: the labels bear a model, but this one is not it.
    """

    LABEL = "label"
    SUSPECTS = "suspects"
    REVISE = "revise"
    TRAIN = "train"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One proposed step. ``count`` is how many labels are missing or suspect; 0 where that says nothing."""

    move: Move
    question: QuestionId | None
    count: int
    reason: str

    @property
    def told(self) -> str:
        """What to do, in words, with the command that does it."""
        of = "" if self.question is None else f" of {self.question}"
        name = self.question or "QUESTION"
        return {
            Move.LABEL: f"about {self.count} more labels{of} are missing; the bot asks for them as its budget allows",
            Move.SUSPECTS: f"{self.count} suspect labels{of} stand ready for a second look: `quandary suspects send`",
            Move.REVISE: f"try another wording on the same labels: `quandary revise {name} --text ...`",
            Move.TRAIN: "look at the training, not at the labels: `quandary sweep`, [train] or another base",
        }[self.move]

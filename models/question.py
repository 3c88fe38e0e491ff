"""A single-choice question as data: the one source of prompt, label form and training example."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from models.ids import OptionId, QuestionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One answer: a stable id that labels keep, and the wording that people and models read."""

    id: OptionId
    wording: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A single-choice question about a burst.

    ``positive`` is the option that the metrics call positive; ``abstain`` the one that means "cannot tell" and is left
    out of yes-or-no metrics. ``after`` maps an earlier question to the option it must have for this one to be asked.
    ``reply_risk`` and ``silence_risk`` are the tolerated error rates (0..1) among bursts acted on as positive and as
    negative; ``confidence`` is how sure the bound on them must be.
    """

    id: QuestionId
    text: str
    definition: str
    options: tuple[Option, ...]
    positive: OptionId
    abstain: OptionId | None = None
    after: Mapping[QuestionId, OptionId] = field(default_factory=dict)
    guidelines: str = ""
    reply_risk: float = 0.05
    silence_risk: float = 0.05
    confidence: float = 0.95
    label_abstain: bool = True

    @property
    def version(self) -> str:
        """Hash (12 hex digits) of everything a model or an annotator reads; labels, runs and verdicts carry it."""
        wording = [self.id, self.text, self.definition, self.guidelines, [(o.id, o.wording) for o in self.options]]
        return hashlib.sha256(json.dumps(wording, ensure_ascii=False).encode()).hexdigest()[:12]

    @property
    def negatives(self) -> tuple[OptionId, ...]:
        """The options that are neither positive nor an abstention."""
        return tuple(o.id for o in self.options if o.id not in (self.positive, self.abstain))

    def keeps(self, option: OptionId) -> bool:
        """Tell whether an agreed option becomes a label; an abstention does unless ``label_abstain`` is false."""
        return self.label_abstain or option != self.abstain

    def index(self, option: OptionId) -> int:
        """Position of an option in ``options``; raises ValueError for one that the question does not have."""
        for position, offered in enumerate(self.options):
            if offered.id == option:
                return position
        raise ValueError(f"question {self.id} has no option {option!r}; it offers {[o.id for o in self.options]}")

    def has(self, option: str) -> bool:
        """Tell whether this question offers the option."""
        return any(o.id == option for o in self.options)

    def applies(self, answers: Mapping[QuestionId, OptionId]) -> bool:
        """Tell whether the question is asked, given the answers to the questions before it."""
        return all(answers.get(q) == o for q, o in self.after.items())


def versions(questions: Sequence[Question]) -> dict[QuestionId, str]:
    """Map each question to its version."""
    return {q.id: q.version for q in questions}


def joint_version(questions: Sequence[Question]) -> str:
    """Hash (8 hex digits) over the versions of several questions: it names a labelling queue."""
    joined = "\n".join(f"{q.id}={q.version}" for q in questions)
    return hashlib.sha256(joined.encode()).hexdigest()[:8]

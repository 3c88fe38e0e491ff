"""A small model settles what it is sure enough of; the rest goes up to the large one.

A burst is settled where the small model's answer to every question that applies is beyond that question's bar. What is
settled is the small model's decision whole: its probabilities, its revision, and ``sure`` from its own calibration. So
nothing is ever acted on by a threshold that was fitted for another model. Where the large model may act on a question
at all, the small one settles it only if its own thresholds let it act, too: being cheap is no reason to ask people.

Each model keeps its risk targets on what it would act on alone. The two together may come near the sum of both in the
worst case, because the large one gets the hard part only; the audit sample shows what they really do.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from models.chat import Burst
from models.decider import Decider
from models.decision import Decision
from models.errors import ModelError
from models.ids import OptionId, QuestionId, Revision
from models.question import Question
from models.scoring import positive_probability


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """From which probability of a side (.5..1) a question is settled on that side; None: never."""

    yes_from: float | None = None
    no_from: float | None = None

    def settles(self, score: float) -> bool:
        """Tell whether a positive probability (0..1) is beyond the bar."""
        yes = self.yes_from is not None and score >= self.yes_from
        return yes or (self.no_from is not None and 1 - score >= self.no_from)


Bars = Mapping[QuestionId, Bar]


def even_bars(questions: Sequence[Question], at: float) -> dict[QuestionId, Bar]:
    """The same bar for every question and both sides: the likelier side's probability is at least ``at``."""
    return {question.id: Bar(yes_from=at, no_from=at) for question in questions}


def answer_of(question: Question, probabilities: Mapping[OptionId, float]) -> OptionId:
    """The likelier side's option, abstaining left aside."""
    if positive_probability(question, probabilities) >= 0.5:
        return question.positive
    return max(question.negatives, key=lambda option: probabilities[option])


def settled(
    questions: Sequence[Question], decisions: Sequence[Decision], bars: Bars, acting: Collection[QuestionId] = ()
) -> bool:
    """Tell whether a small model's decisions about one burst stand; ``acting`` are what the large one may act on.

    A question that does not apply, given the answers before it, need not be settled.
    """
    answers: dict[QuestionId, OptionId] = {}
    for question, made in zip(questions, decisions, strict=True):
        if not question.applies(answers):
            continue
        score = positive_probability(question, made.probabilities)
        if not bars.get(question.id, Bar()).settles(score) or (made.sure is None and question.id in acting):
            return False
        answers[question.id] = answer_of(question, made.probabilities)
    return True


class Cascade:
    """Both models behind one contract; both belong to the champion. ``acting`` as in :func:`settled`."""

    def __init__(
        self,
        small: Decider,
        large: Decider,
        *,
        questions: Sequence[Question],
        bars: Bars,
        acting: Collection[QuestionId] = (),
    ) -> None:
        self._small = small
        self._large = large
        self._questions = tuple(questions)
        self._bars = bars
        self._acting = frozenset(acting)

    @property
    def revision(self) -> Revision:
        """The large model's: it has the last word."""
        return self._large.revision

    def decide(self, bursts: Sequence[Burst]) -> list[tuple[Decision, ...]]:
        """Answer every question about every burst; raises ModelError where the large model fails.

        What the small model fails at goes up, like what it is unsure of. Milliseconds are those of both.
        """
        try:
            found = self._small.decide(bursts)
        except ModelError:
            return self._large.decide(bursts)
        up = [i for i, made in enumerate(found) if not settled(self._questions, made, self._bars, self._acting)]
        if up:
            for i, made in zip(up, self._large.decide([bursts[i] for i in up]), strict=True):
                before = found[i][0].milliseconds
                found[i] = tuple(replace(one, milliseconds=one.milliseconds + before) for one in made)
        return found

    def close(self) -> None:
        """Release both."""
        try:
            self._small.close()
        finally:
            self._large.close()

"""How far people agree: which of their answers count and may be compared, and Krippendorff's alpha. Pure.

Only independent answers are compared: first ones and those of further people asked for the overlap. Reviews and
adjudications were asked for because of what others had said.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from models.ids import BurstId, OptionId, QuestionId
from models.labels import Purpose, Response, ResponseStatus
from models.question import Question

INDEPENDENT = frozenset({Purpose.ASK, Purpose.RENEW, Purpose.OVERLAP})


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One burst's independent answers to one question, by annotator, and when the first was given."""

    burst: BurstId
    answers: Mapping[str, OptionId]
    at: datetime


def applicable(answers: Mapping[QuestionId, OptionId], questions: Sequence[Question]) -> dict[QuestionId, OptionId]:
    """Keep the answers that count: known options, to questions that are asked after the answers before them.

    The form shows all questions at once and Argilla saves a pre-selected suggestion as an answer, so that somebody who
    says "no question" may have answered the follow-up without meaning to.
    """
    kept: dict[QuestionId, OptionId] = {}
    for question in questions:
        answer = answers.get(question.id)
        if answer is not None and question.has(answer) and question.applies(kept):
            kept[question.id] = answer
    return kept


def units_of(
    question: Question, questions: Sequence[Question], given: Iterable[tuple[BurstId, Purpose, Response]]
) -> list[Unit]:
    """Group answers to a question, in its present words, by burst; an annotator's last answer counts."""
    found: dict[BurstId, dict[str, OptionId]] = defaultdict(dict)
    first: dict[BurstId, datetime] = {}
    for burst, purpose, response in sorted(given, key=lambda one: one[2].submitted_at):
        said = response.versions is None or response.versions.get(question.id) == question.version
        answer = applicable(response.answers, questions).get(question.id)
        if purpose in INDEPENDENT and response.status is ResponseStatus.SUBMITTED and said and answer is not None:
            found[burst][response.annotator] = answer
            first.setdefault(burst, response.submitted_at)
    return [Unit(burst=burst, answers=answers, at=first[burst]) for burst, answers in found.items()]


def krippendorff_alpha(units: Iterable[Sequence[Hashable]]) -> float | None:
    """Krippendorff's alpha for nominal values: 1 is perfect agreement, 0 what chance would give, below 0 is worse.

    ``units`` holds the values that different people gave to one unit, in any order; units with fewer than two do not
    count. None where nothing can be compared, or where only one value was ever used, so that chance cannot be told from
    agreement. Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), section C.
    """
    totals: Counter[Hashable] = Counter()
    disagreements = 0.0
    for values in units:
        if len(values) < 2:
            continue
        counts = Counter(values)
        totals.update(counts)
        # Ordered pairs of differing values within the unit, each unit weighing as much as it has values.
        disagreements += (len(values) ** 2 - sum(n * n for n in counts.values())) / (len(values) - 1)
    pairable = sum(totals.values())
    expected = pairable**2 - sum(n * n for n in totals.values())
    if expected == 0:
        return None
    return 1.0 - (pairable - 1) * disagreements / expected

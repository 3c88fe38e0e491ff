"""From responses to labels: the majority decides, a tie decides nothing; and how far people agree at all."""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from datetime import datetime

from models.ids import BurstId, OptionId, QuestionId
from models.labels import Label, Response, ResponseStatus
from models.question import Question


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


def majority(votes: Sequence[OptionId]) -> OptionId | None:
    """The option with most votes, or None without any or where two share the lead."""
    ranked = Counter(votes).most_common(2)
    if not ranked or (len(ranked) == 2 and ranked[0][1] == ranked[1][1]):
        return None
    return ranked[0][0]


def labels_of(
    burst: BurstId,
    questions: Sequence[Question],
    responses: Sequence[Response],
    *,
    overlap: int,
    audit: bool,
    at: datetime,
    deciding: Response | None = None,
) -> list[Label]:
    """Settle what the responses to one burst agree on.

    Nothing is settled before ``overlap`` people submitted. A question that follows from another is settled only where
    that other one was settled as it needs, and where more than half of those who submitted answered it. A label's
    ``option`` is None where people disagree; such a burst goes to adjudication. Its answer, ``deciding``, settles what
    the others' did not, and nothing else. An answer counts for the version of the question that it was given to. Where
    the abstaining option of a question that does not keep it as a label wins, there is no label.
    """
    submitted = [r for r in responses if r.status is ResponseStatus.SUBMITTED]
    decided = {} if deciding is None else applicable(deciding.answers, questions)
    agreed: dict[QuestionId, OptionId] = {}
    labels: list[Label] = []
    for question in questions:
        asked = [r for r in submitted if r.versions is None or r.versions.get(question.id) == question.version]
        people = {r.annotator for r in asked}
        if len(people) < overlap or not people:
            continue
        votes = {r.annotator: r.answers[question.id] for r in asked if question.id in applicable(r.answers, questions)}
        enough = 2 * len(votes) > len(people)
        if not question.applies(agreed) or not (enough or question.id in decided):
            continue
        option = (majority(list(votes.values())) if enough else None) or decided.get(question.id)
        if option is not None and question.keeps(option):
            agreed[question.id] = option
        elif option is not None:
            continue
        deciders = () if deciding is None or question.id not in decided else (deciding.annotator,)
        tied = enough and majority(list(votes.values())) is None
        labels.append(
            Label(
                burst=burst,
                question=question.id,
                question_version=question.version,
                option=option,
                responses=len(votes),
                labelled_at=at,
                audit=audit,
                annotators=tuple(sorted({*votes, *(deciders if tied or not enough else ())})),
                guideline=next((r.guideline for r in reversed(asked) if r.guideline), None),
            )
        )
    return labels


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

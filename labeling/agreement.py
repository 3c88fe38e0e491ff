"""From responses to labels: the majority decides, a tie decides nothing."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from models.agreement import applicable
from models.ids import BurstId, OptionId, QuestionId
from models.labels import Label, Response, ResponseStatus
from models.question import Question


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

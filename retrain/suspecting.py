"""Suspect labels within the learning cycle: what the ladder and the cheap learner say out of fold about its labels."""

from collections.abc import Sequence

import numpy as np

from models.item import Item
from models.store.suspects import Annotators
from models.suspects import Weighed
from retrain.judged import positive_side
from retrain.peer import folded, labelled, out_of_fold
from retrain.scaling.ladder import Ladder
from retrain.suspects import FOLDS, UPPER, Opinions, Weighing, weigh

LEAST_LABELS = 50
"""With fewer labels of a question the predictors know nothing that could be held against an annotator."""


def weighings(ladders: Sequence[Ladder], items: Sequence[Item], who: Annotators) -> list[Weighing]:
    """Weigh the labels that the ladder was cross-fitted on, question by question.

    Labels that calibrate and judge are left out: were those changed that the new model disagrees with, the gate would
    let it in for that.
    """
    return [weigh(opinions) for ladder in ladders if (opinions := _opinions(ladder, items, who)) is not None]


def all_weighed(found: Sequence[Weighing]) -> list[Weighed]:
    """Every label of every question."""
    return [one for weighing in found for one in weighing.ranked]


def _opinions(ladder: Ladder, items: Sequence[Item], who: Annotators) -> Opinions | None:
    question = ladder.question
    upper = [dict(zip(rung.ids, positive_side(rung).tolist(), strict=True)) for rung in ladder.tuned[-UPPER:]]
    rows = [item for item in labelled(question, items) if all(item.burst.id in rung for rung in upper)]
    if len(rows) < LEAST_LABELS:
        return None
    given = np.array([item.answers[question.id] == question.positive for item in rows], dtype=np.float64)
    return Opinions(
        question=question,
        ids=tuple(item.burst.id for item in rows),
        conversations=tuple(item.conversation for item in rows),
        given=given,
        annotators=tuple(who.get((i.burst.id, question.id, i.answers[question.id]), ()) for i in rows),
        upper=np.array([[rung[item.burst.id] for item in rows] for rung in upper]).reshape(len(upper), len(rows)),
        peer=out_of_fold(given, folded(rows, FOLDS)),
    )

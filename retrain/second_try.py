"""Trains a rung again, more gently, where tuning made it worse; costs nothing where it did not."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from models.item import Item
from models.metrics import macro_f1
from retrain.judged import Judged, judged, scored
from retrain.ladder import Course, Readings, Rung, cross_fit
from retrain.scaling.setback import LESS, Setback, better, fell


def cross_fit_gently(rung: Rung, items: Sequence[Item], course: Course, *, again: bool = True) -> Rung:
    """Cross-fit a rung; where it falls below itself vanilla on a question, once more at a tenth of the learning rate.

    The better of both is kept, with its rate. Readings of either try are kept in the work folder like all others.
    Without ``again`` a fall is only told.
    """
    first = cross_fit(rung, items, course)
    rng = np.random.default_rng(course.train.seed)
    vanilla, tuned = _rows(rung.vanilla, items, course), _rows(first.tuned, items, course)
    hurt = [place for place, pair in enumerate(zip(vanilla, tuned, strict=True)) if fell(*pair, rng)]
    if not hurt:
        return first
    second, gentle = None, course.train.learning_rate * LESS
    if again:
        second = cross_fit(rung, items, at_rate(course, gentle))
    retuned = _rows(second.tuned, items, course) if second else []
    kept_again = second is not None and better(tuned, retuned)
    setbacks = tuple(
        Setback(
            question=course.questions[place].id,
            rung=rung.name,
            vanilla=macro_f1(scored(vanilla[place])),
            tuned=macro_f1(scored(tuned[place])),
            again=macro_f1(scored(retuned[place])) if retuned else None,
            learning_rate=course.train.learning_rate,
            kept_again=kept_again,
        )
        for place in hurt
    )
    if second is not None and kept_again:
        return replace(second, learning_rate=gentle, setbacks=setbacks)
    return replace(first, setbacks=setbacks)


def at_rate(course: Course, learning_rate: float | None) -> Course:
    """The course at a rung's own learning rate; None is the course's."""
    if learning_rate is None:
        return course
    return replace(course, train=course.train.model_copy(update={"learning_rate": learning_rate}))


def _rows(readings: Readings, items: Sequence[Item], course: Course) -> list[Judged]:
    return [judged(question, items, readings[question.id]) for question in course.questions]

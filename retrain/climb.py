"""One run up the ladder: every rung read and cross-fitted within what the run may cost, and labels set beside that."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from models.item import Item
from models.question import Question
from models.settings import Settings
from retrain.judged import judged
from retrain.ladder import Course, Rung, read_laid, read_vanilla, rising
from retrain.scaling.ladder import Ladder
from retrain.second_try import cross_fit_gently

TRAIN_COST = 3.0
"""One epoch of training takes about this many times as long as reading the same bursts once (measured)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a run may cost; 0 is no limit. ``seconds`` is kept by training fewer epochs, one at the least."""

    items: int = 0
    rungs: int = 0
    seconds: float = 0.0


def climb(settings: Settings, items: Sequence[Item], course: Course, limits: Limits) -> tuple[list[Rung], Course]:
    """Read all rungs vanilla, then cross-fit each; with a time limit the course that comes back has fewer epochs."""
    rungs = [read_vanilla(name, items, course) for name in settings.ladder.rungs[: limits.rungs or None]]
    rising(rungs)
    if limits.seconds:
        reading = sum(rung.seconds for rung in rungs)
        epoch = TRAIN_COST * ((course.train.folds - 1) * reading + rungs[-1].seconds)
        # Beside the epochs, all rungs read everything twice and the last one a few times more.
        left = limits.seconds - 2 * reading - 3 * rungs[-1].seconds
        fewer = max(1, min(course.train.epochs, int(left / max(epoch, 1e-3))))
        course = replace(course, train=course.train.model_copy(update={"epochs": fewer}))
    # A second try may take as long as the first: not where the time is limited.
    fitted = [
        cross_fit_gently(rung, items, course, again=not limits.seconds)
        if rung.trainable
        else read_laid(rung, items, course)
        for rung in rungs
    ]
    return fitted, course


def ladders(questions: Sequence[Question], rungs: Sequence[Rung], items: Sequence[Item]) -> tuple[Ladder, ...]:
    """Set labels beside what the rungs said, question by question."""
    return tuple(
        Ladder(
            question=question,
            rungs=tuple(rung.name for rung in rungs),
            parameters=tuple(rung.parameters for rung in rungs),
            vanilla=tuple(judged(question, items, rung.vanilla[question.id]) for rung in rungs),
            tuned=tuple(judged(question, items, rung.tuned[question.id]) for rung in rungs if rung.tuned),
            dense=() if all(rung.dense for rung in rungs) else tuple(rung.dense for rung in rungs),
            untuned=tuple(rung.name for rung in rungs if not rung.tuned),
            setbacks=tuple(s for rung in rungs for s in rung.setbacks if s.question == question.id),
        )
        for question in questions
    )

"""How far annotators agree: per question, each annotator against the others, week by week, with intervals. Pure."""

import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from models.agreement import Unit, krippendorff_alpha, units_of
from models.ids import BurstId, OptionId, QuestionId
from models.labels import Purpose, Response
from models.question import Question

DRAWS = 500
LEAST = 5
"""Bursts below which an interval would only pretend to know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alpha:
    """Krippendorff's alpha over ``bursts`` answered by two or more; None where nothing can be told.

    ``low`` and ``high`` bound it with 95 % confidence (bootstrap over bursts), None below 5 bursts.
    """

    alpha: float | None
    bursts: int
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Agreement on one question: of all, of each annotator with the others, and by week (``2026-W48``)."""

    all: Alpha
    annotators: Mapping[str, Alpha]
    weeks: Mapping[str, Alpha]


def agreement(units: Sequence[Unit], *, seed: int = 0) -> Agreement:
    """Alpha of all units, of each annotator, and of each week by ISO 8601 (UTC)."""
    compared = [unit for unit in units if len(unit.answers) > 1]
    people = sorted({name for unit in compared for name in unit.answers})
    weeks: dict[str, list[Unit]] = defaultdict(list)
    for unit in compared:
        year, week, _ = unit.at.isocalendar()
        weeks[f"{year}-W{week:02}"].append(unit)

    def of(some: Sequence[Unit]) -> float | None:
        return krippendorff_alpha([list(unit.answers.values()) for unit in some])

    return Agreement(
        all=_bounded(compared, of, seed),
        annotators={
            name: _bounded(
                [unit for unit in compared if name in unit.answers],
                lambda some, name=name: alpha_against(name, some),  # type: ignore[misc]  # a default binds the name
                seed,
            )
            for name in people
        },
        weeks={week: _bounded(weeks[week], of, seed) for week in sorted(weeks)},
    )


def alpha_against(name: str, units: Sequence[Unit]) -> float | None:
    """Alpha of one annotator against the others: 1 - observed / expected disagreement.

    Observed is the mean, over the bursts that they answered with others, of the share of the others who said otherwise;
    expected is what it would be if their answers were shuffled among these bursts. None where that is 0.
    """
    own = [unit.answers[name] for unit in units]
    others = [[answer for who, answer in unit.answers.items() if who != name] for unit in units]
    if not own or not all(others):
        return None
    observed = sum(sum(o != mine for o in theirs) / len(theirs) for mine, theirs in zip(own, others, strict=True))
    shares: dict[OptionId, float] = defaultdict(float)
    for theirs in others:
        for option in theirs:
            shares[option] += 1 / len(theirs)
    expected = sum(len(own) - shares[mine] for mine in own) / len(own)
    return None if expected == 0 else 1.0 - observed / expected


def _bounded(units: Sequence[Unit], alpha: Callable[[Sequence[Unit]], float | None], seed: int) -> Alpha:
    """Alpha with its percentile interval; draws of which nothing can be told do not count."""
    whole = alpha(units)
    if whole is None or len(units) < LEAST:
        return Alpha(alpha=whole, bursts=len(units))
    rng = random.Random(seed)  # noqa: S311 - draws bursts, protects nothing
    drawn = [alpha(rng.choices(units, k=len(units))) for _ in range(DRAWS)]
    known = sorted(value for value in drawn if value is not None)
    low, high = known[int(0.025 * len(known))], known[min(len(known) - 1, int(0.975 * len(known)))]
    return Alpha(alpha=whole, bursts=len(units), low=low, high=high)


def agreements(
    questions: Sequence[Question], given: Sequence[tuple[BurstId, Purpose, Response]], *, seed: int = 0
) -> dict[QuestionId, Agreement]:
    """Agreement on each question, from all responses with the bursts and purposes of their requests."""
    return {question.id: agreement(units_of(question, questions, given), seed=seed) for question in questions}

"""How well a model answers a question on rows that it was not trained on: macro-F1, and log-probability by room.

Macro-F1 looks at one threshold, so a model that has only learned which answer is frequent moves it at will. The
log-probability of the label does not, and beside it stands what the answers' own rates would give. Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.ids import QuestionId
from models.metrics import Floats, clusters, macro_f1
from retrain.judged import Judged, gold_log_probability, scored

DRAWS = 2000
"""Resamplings of rooms behind an interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One question: macro-F1, and for each conversation the sum of its labels' log-probabilities (nats) and weights."""

    macro_f1: float
    rooms: Floats
    """[conversations, 2]; the order is the same for all readings of the same rows."""

    @property
    def log_p(self) -> float:
        """Mean log-probability of a label, nats."""
        total, weight = self.rooms.sum(axis=0)
        return float(total / weight)

    def body(self) -> dict[str, Any]:
        """As JSON."""
        return {"macro_f1": self.macro_f1, "rooms": np.round(self.rooms, 6).tolist()}


Readings = Mapping[QuestionId, Reading]
"""Of one model, question by question."""


def of_rows(rows: Judged) -> Reading:
    """What a model made of the labelled rows of a question."""
    return Reading(macro_f1=macro_f1(scored(rows)), rooms=_by_room(rows, gold_log_probability(rows)))


def of_rates(rows: Judged) -> Reading:
    """What these rows' own rates of the answers would make of them: the most that can be said without looking."""
    counts = np.bincount(rows.gold, weights=rows.weight, minlength=len(rows.question.options))
    with np.errstate(divide="ignore"):
        scores = np.log(counts / counts.sum())
    rated = Judged(
        question=rows.question,
        scores=np.tile(np.maximum(scores, -50.0), (len(rows), 1)),
        gold=rows.gold,
        weight=rows.weight,
        conversations=rows.conversations,
        ids=rows.ids,
    )
    return of_rows(rated)


def of_body(body: Mapping[str, Any]) -> Reading:
    """Read back what ``Reading.body`` gave."""
    return Reading(macro_f1=float(body["macro_f1"]), rooms=np.array(body["rooms"], dtype=np.float64).reshape(-1, 2))


def mean_log_p(readings: Readings, questions: Sequence[QuestionId]) -> float:
    """One figure for several questions, each counting alike."""
    return float(np.mean([readings[question].log_p for question in questions]))


def lead(
    ours: Sequence[Reading], theirs: Sequence[Reading], rng: np.random.Generator
) -> tuple[float, tuple[float, float]]:
    """How far the first are above the second in log-probability (nats), mean over seeds, with a 95 % interval.

    The interval resamples conversations, the same ones for both.
    """
    one, other = np.mean([r.rooms for r in ours], axis=0), np.mean([r.rooms for r in theirs], axis=0)
    drawn = rng.integers(len(one), size=(DRAWS, len(one)))
    weight = one[drawn, 1].sum(axis=1)
    gaps = (one[drawn, 0].sum(axis=1) - other[drawn, 0].sum(axis=1)) / weight
    low, high = np.quantile(gaps, [0.025, 0.975])
    return float((one[:, 0].sum() - other[:, 0].sum()) / one[:, 1].sum()), (float(low), float(high))


def _by_room(rows: Judged, log_p: Floats) -> Floats:
    places = clusters(rows.conversations)
    count = int(places.max()) + 1 if len(places) else 0
    total = np.bincount(places, weights=rows.weight * log_p, minlength=count)
    weight = np.bincount(places, weights=rows.weight, minlength=count)
    return np.stack([total, weight], axis=1)

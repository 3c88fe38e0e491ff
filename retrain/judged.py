"""What a model says about labelled bursts: option scores beside the labels, as columns. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.calibration import QuestionCalibration, sure_option
from models.ids import BurstId
from models.item import Item
from models.metrics import Scored, clusters
from models.question import Question
from models.scoring import distribution, positive_probability

Floats = NDArray[np.float64]
Scores = Mapping[BurstId, Sequence[float]]
"""One question's option scores by burst: nats, averaged over option orders, before calibration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Labelled items of one question with a model's scores, as columns of n rows.

    ``scores`` (n, options): averaged log-probabilities in nats, before calibration; ``gold`` (n,): option index of the
    label; ``weight`` (n,): 1 over the sampling probability; ``conversations`` and ``ids``: n names.
    """

    question: Question
    scores: Floats
    gold: NDArray[np.int64]
    weight: Floats
    conversations: tuple[str, ...]
    ids: tuple[BurstId, ...]

    def __len__(self) -> int:
        """Rows."""
        return len(self.gold)

    def take(self, kept: NDArray[np.int64]) -> "Judged":
        """The rows at these positions, in this order."""
        return replace(
            self,
            scores=self.scores[kept],
            gold=self.gold[kept],
            weight=self.weight[kept],
            conversations=tuple(self.conversations[i] for i in kept),
            ids=tuple(self.ids[i] for i in kept),
        )


def judged(question: Question, items: Sequence[Item], scores: Scores) -> Judged:
    """Put labels and scores side by side; items without a label or a score for the question are left out."""
    rows = [item for item in items if question.id in item.answers and item.burst.id in scores]
    width = len(question.options)
    return Judged(
        question=question,
        scores=np.array([scores[item.burst.id] for item in rows], dtype=np.float64).reshape(len(rows), width),
        gold=np.array([question.index(item.answers[question.id]) for item in rows], dtype=np.int64),
        weight=np.array([item.weight for item in rows], dtype=np.float64),
        conversations=tuple(item.conversation for item in rows),
        ids=tuple(item.burst.id for item in rows),
    )


def log_probabilities(scores: Floats, temperature: float) -> Floats:
    """Normalised log-probabilities (n, options) at a temperature, nats."""
    scaled = scores / temperature
    top = scaled.max(axis=1, keepdims=True, initial=-np.inf)
    normalised: Floats = scaled - top - np.log(np.exp(scaled - top).sum(axis=1, keepdims=True))
    return normalised


def gold_log_probability(rows: Judged, temperature: float = 1.0) -> Floats:
    """Log-probability (n,) of each label, nats."""
    chosen: Floats = log_probabilities(rows.scores, temperature)[np.arange(len(rows)), rows.gold]
    return chosen


def positive_side(rows: Judged, temperature: float = 1.0) -> Floats:
    """Probability (n,) of the positive option given that the question can be answered."""
    return np.array(
        [positive_probability(rows.question, distribution(rows.question, s, temperature)) for s in rows.scores.tolist()]
    )


def answering(rows: Judged) -> NDArray[np.int64]:
    """Positions of the rows whose label is not the abstaining option."""
    return np.flatnonzero(rows.gold != _abstain(rows.question))


def answered(rows: Judged) -> Floats:
    """Probability (n,) of the positive option given that the question can be answered, at a temperature of 1.

    The same as ``positive_side``, but for the last digit, and hundreds of times as fast.
    """
    question = rows.question
    chance = np.exp(log_probabilities(rows.scores, 1.0))
    positive = chance[:, question.index(question.positive)]
    sides = positive + chance[:, [question.index(option) for option in question.negatives]].sum(axis=1)
    found: Floats = np.divide(positive, sides, out=np.full(len(rows), 0.5), where=sides > 0)
    return found


def scored(rows: Judged, calibration: QuestionCalibration | None = None) -> Scored:
    """The columns that yes-or-no metrics need; rows whose label is the abstaining option are left out."""
    question = rows.question
    positive, kept = question.index(question.positive), answering(rows)
    if calibration is None:  # nothing is acted on without thresholds
        chance, sides = answered(rows)[kept], np.zeros(len(kept))
    else:
        named = [distribution(question, rows.scores[i].tolist(), calibration.temperature) for i in kept]
        sure = [sure_option(question, p, calibration) for p in named]
        chance = np.array([positive_probability(question, p) for p in named], dtype=np.float64)
        sides = np.array([0 if s is None else (1 if s == question.positive else -1) for s in sure], dtype=np.float64)
    return Scored(
        gold=(rows.gold[kept] == positive).astype(np.float64),
        positive=chance,
        weight=rows.weight[kept],
        sure=sides,
        cluster=clusters([rows.conversations[i] for i in kept]),
    )


def _abstain(question: Question) -> int:
    return -1 if question.abstain is None else question.index(question.abstain)

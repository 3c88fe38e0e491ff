"""How good decisions are: weighted yes-or-no metrics with intervals over conversations. Pure."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
BINS = 10
_TINY = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """Items as columns of equal length.

    ``gold``: 1 where the label is positive; ``positive``: the model's positive probability, 0..1; ``weight``: 1 over
    the sampling probability; ``sure``: 1 acted on as positive, -1 as negative, 0 asked; ``cluster``: the conversation.
    """

    gold: Floats
    positive: Floats
    weight: Floats
    sure: Floats
    cluster: NDArray[np.int64]

    def take(self, rows: NDArray[np.int64]) -> "Scored":
        """The rows at these positions."""
        return Scored(
            gold=self.gold[rows],
            positive=self.positive[rows],
            weight=self.weight[rows],
            sure=self.sure[rows],
            cluster=self.cluster[rows],
        )


def confusion(s: Scored) -> tuple[float, float, float, float]:
    """Weights of true positives, false positives, false negatives and true negatives, at a threshold of 0.5."""
    said = s.positive >= 0.5
    gold = s.gold > 0.5
    cells = (said & gold, said & ~gold, ~said & gold, ~said & ~gold)
    tp, fp, fn, tn = (float(s.weight[cell].sum()) for cell in cells)
    return tp, fp, fn, tn


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 0.0


def precision(s: Scored) -> float:
    """Share of what was called positive that is."""
    tp, fp, _, _ = confusion(s)
    return _ratio(tp, tp + fp)


def recall(s: Scored) -> float:
    """Share of the positives that were found."""
    tp, _, fn, _ = confusion(s)
    return _ratio(tp, tp + fn)


def f1(s: Scored) -> float:
    """Harmonic mean of precision and recall of the positive class."""
    tp, fp, fn, _ = confusion(s)
    return _ratio(2 * tp, 2 * tp + fp + fn)


def macro_f1(s: Scored) -> float:
    """Mean of the F1 of both classes: always saying yes does not pay."""
    tp, fp, fn, tn = confusion(s)
    return (_ratio(2 * tp, 2 * tp + fp + fn) + _ratio(2 * tn, 2 * tn + fp + fn)) / 2


def log_loss(s: Scored) -> float:
    """Mean negative log-probability of the label (nats)."""
    right = np.where(s.gold > 0.5, s.positive, 1 - s.positive)
    return _ratio(float((s.weight * -np.log(np.clip(right, _TINY, 1))).sum()), float(s.weight.sum()))


def calibration_error(s: Scored) -> float:
    """Expected calibration error of the likelier answer over ten equal bins of confidence (Guo et al. 2017)."""
    confidence = np.maximum(s.positive, 1 - s.positive)
    correct = ((s.positive >= 0.5) == (s.gold > 0.5)).astype(np.float64)
    bins = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    total = float(s.weight.sum())
    error = 0.0
    for b in range(BINS):
        weight = s.weight * (bins == b)
        mass = float(weight.sum())
        if mass > 0:
            error += abs(float((weight * (correct - confidence)).sum())) / total
    return error


def ask_rate(s: Scored) -> float:
    """Share of items on which neither side may act."""
    return _ratio(float(s.weight[s.sure == 0].sum()), float(s.weight.sum()))


def side_error(s: Scored, side: int) -> float | None:
    """Error rate among items acted on as positive (side 1) or negative (side -1); None where none was."""
    acted = s.sure == side
    mass = float(s.weight[acted].sum())
    if mass <= 0:
        return None
    wrong = acted & ((s.gold > 0.5) != (side > 0))
    return float(s.weight[wrong].sum()) / mass


def interval(
    metric: Callable[[Scored], float], s: Scored, rng: np.random.Generator, *, draws: int = 500, level: float = 0.95
) -> tuple[float, float]:
    """Percentile bootstrap interval of a metric, conversations drawn with replacement."""
    members = [np.flatnonzero(s.cluster == c) for c in np.unique(s.cluster)]
    values = [
        metric(s.take(np.concatenate([members[i] for i in rng.integers(len(members), size=len(members))])))
        for _ in range(draws)
    ]
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def summary(s: Scored) -> dict[str, float | None]:
    """All figures of ``quandary evaluate`` that need no clock."""
    figures: dict[str, float | None] = {
        "n": float(len(s.gold)),
        "positives": float((s.gold > 0.5).sum()),
        "precision": precision(s),
        "recall": recall(s),
        "f1": f1(s),
        "macro_f1": macro_f1(s),
        "log_loss": log_loss(s),
        "ece": calibration_error(s),
        "ask_rate": ask_rate(s),
        "reply_error": side_error(s, 1),
        "silence_error": side_error(s, -1),
    }
    return {name: None if value is None or math.isnan(value) else value for name, value in figures.items()}


def clusters(names: Sequence[str]) -> NDArray[np.int64]:
    """Number conversations by first appearance."""
    numbers = {name: i for i, name in enumerate(dict.fromkeys(names))}
    return np.array([numbers[name] for name in names], dtype=np.int64)

"""From option-letter logits to a calibrated distribution: the one scoring policy, fitted and served. Pure."""

import math
from collections.abc import Mapping, Sequence

from models.ids import OptionId
from models.question import Question


def log_softmax(logits: Sequence[float]) -> list[float]:
    """Normalise logits to log-probabilities (nats)."""
    top = max(logits)
    total = math.log(sum(math.exp(x - top) for x in logits)) + top
    return [x - total for x in logits]


def average_orders(logits: Sequence[Sequence[float]], orders: Sequence[Sequence[int]]) -> list[float]:
    """Average the log-probability of each option over option orders; cyclic orders cancel a position's bias.

    ``logits[b][i]`` is the logit of letter i in branch b, which stands for option ``orders[b][i]``.
    """
    totals = [0.0] * len(orders[0])
    for row, order in zip(logits, orders, strict=True):
        for value, option in zip(log_softmax(row), order, strict=True):
            totals[option] += value / len(orders)
    return totals


def distribution(question: Question, scores: Sequence[float], temperature: float = 1.0) -> dict[OptionId, float]:
    """Turn averaged option scores (nats) into probabilities that sum to 1, at a temperature above 0."""
    logs = log_softmax([score / temperature for score in scores])
    return {option.id: math.exp(log) for option, log in zip(question.options, logs, strict=True)}


def margin(probabilities: Mapping[OptionId, float]) -> float:
    """Gap between the two most likely options, 0 to 1."""
    first, second = sorted(probabilities.values(), reverse=True)[:2]
    return first - second


def positive_probability(question: Question, probabilities: Mapping[OptionId, float]) -> float:
    """Probability (0..1) of the positive option given that the question can be answered (no abstaining)."""
    positive = probabilities[question.positive]
    answered = positive + sum(probabilities[option] for option in question.negatives)
    return positive / answered if answered > 0 else 0.5

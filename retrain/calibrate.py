"""Fitting what makes scores mean something: a temperature, and the thresholds of both sides. Pure.

Thresholds come from fixed-sequence Learn-then-Test (Angelopoulos et al. 2021) with exact binomial bounds. The sequence
runs over the bursts in order of score, surest first: "the surest k may be acted on" is tested for rising k until one
test fails. Given the (k+1)-th score, the k bursts above it are a fair sample of all bursts above it, so their errors
are binomial; where risk falls as scores rise, the chance that any accepted k has a risk above the target is at most
1 - confidence. Only the order of scores matters, so fitting the temperature on the same labels costs nothing.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.stats import beta, binom

from models.calibration import QuestionCalibration
from models.metrics import Floats
from retrain.judged import Judged, log_probabilities, positive_side

COLDEST, HOTTEST = 0.1, 20.0
START_ERRORS = 2
"""The first test takes enough bursts to forgive this many errors, if there are twice as many on its side."""


def fit_temperature(scores: Floats, gold: NDArray[np.int64], weight: Floats) -> float:
    """Temperature that minimises the weighted log loss of ``scores`` (n, options); 1 where there are no rows.

    A log-normal prior worth one label keeps a small, perfectly separated sample from pushing it to zero.
    """
    if len(gold) == 0:
        return 1.0
    mass = weight / weight.mean()

    def loss(log_temperature: float) -> float:
        logs = log_probabilities(scores, math.exp(log_temperature))[np.arange(len(gold)), gold]
        return float(-(mass * logs).sum()) + log_temperature**2 / 2

    found = minimize_scalar(loss, bounds=(math.log(COLDEST), math.log(HOTTEST)), method="bounded")
    return math.exp(float(found.x))


def upper_bound(errors: int, count: int, confidence: float) -> float:
    """Exact (Clopper-Pearson) one-sided upper bound on an error rate; 1 where nothing was observed."""
    return 1.0 if errors >= count else float(beta.ppf(confidence, errors + 1, count - errors))


@cache
def least_count(errors: int, risk: float, confidence: float) -> int:
    """Fewest labels that, with this many errors, show an error rate of at most ``risk``.

    At 5 % and 95 % confidence: 59 without an error, 93 with one.
    """
    if errors == 0:
        return math.ceil(math.log(1 - confidence) / math.log(1 - risk))
    low, high = errors, max(8, 2 * errors)
    while not _holds(errors, high, risk, confidence):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _holds(errors, middle, risk, confidence) else (middle, high)
    return high


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What one side may do: how many of its surest bursts it may act on, or how many labels more it needs.

    ``errors`` are those among the accepted.
    """

    accepted: int
    needed: int
    errors: int = 0


def fit_side(wrong: Sequence[bool], risk: float, confidence: float) -> Side:
    """Test one side; ``wrong[i]`` tells whether acting on the i-th surest burst would have been an error."""
    errors = np.concatenate([[0], np.cumsum(np.asarray(wrong, dtype=np.int64))])
    steps = [least_count(e, risk, confidence) for e in range(START_ERRORS + 1)]
    start = max([s for s in steps if 2 * s <= len(wrong)], default=steps[0])
    accepted = 0
    # Half the start is a stride long enough that a single error seldom ends the sequence by itself.
    for count in [*range(start, len(wrong) + 1, max(1, start // 2)), len(wrong)]:
        if count < start or count < least_count(int(errors[count]), risk, confidence):
            break
        accepted = count
    if accepted:
        return Side(accepted=accepted, needed=0, errors=int(errors[accepted]))
    missing = min(least_count(int(e), risk, confidence) - k for k, e in enumerate(errors))
    return Side(accepted=0, needed=max(1, missing))


def fit_question(rows: Judged, fair: Judged, *, audit: bool = False) -> QuestionCalibration:
    """Fit the temperature of one question on ``rows`` and its thresholds on ``fair``.

    ``fair`` must be drawn as the bursts that will be decided are, each with the same chance (the audit sample, which
    ``audit`` tells it is): the bound holds for nothing else. A label that abstains counts as an error of either side:
    what people cannot tell is to be asked, not acted on.
    """
    question = rows.question
    temperature = fit_temperature(rows.scores, rows.gold, rows.weight)
    score = positive_side(fair, temperature)
    negatives = {question.index(option) for option in question.negatives}
    reply_at, reply = _fit_threshold(
        score, fair.gold == question.index(question.positive), question.reply_risk, question.confidence
    )
    silence_at, silence = _fit_threshold(
        1 - score, np.isin(fair.gold, list(negatives)), question.silence_risk, question.confidence
    )
    return QuestionCalibration(
        version=question.version,
        temperature=temperature,
        reply_at=reply_at,
        silence_at=None if silence_at is None else 1 - silence_at,
        labels=len(fair),
        reply_needed=reply.needed,
        silence_needed=silence.needed,
        reply_risk=question.reply_risk,
        silence_risk=question.silence_risk,
        confidence=question.confidence,
        reply_shown=reply.accepted,
        reply_errors=reply.errors,
        silence_shown=silence.accepted,
        silence_errors=silence.errors,
        audit=audit,
    )


def _fit_threshold(
    score: Floats, right: NDArray[np.bool_], risk: float, confidence: float
) -> tuple[float | None, Side]:
    """Threshold on a side's probability (None where no count is accepted), and what it was found from."""
    order = np.argsort(-score, kind="stable")
    order = order[score[order] > 0.5]
    side = fit_side((~right[order]).tolist(), risk, confidence)
    if not side.accepted:
        return None, side
    at = float(score[order[side.accepted - 1]])
    tied = side.accepted < len(order) and float(score[order[side.accepted]]) == at
    return (math.nextafter(at, 1.0) if tied else at), side  # an untested tie is not acted on


def _holds(errors: int, count: int, risk: float, confidence: float) -> bool:
    """Tell whether so few errors would be seen with probability 1 - confidence at most if the rate were ``risk``."""
    return float(binom.cdf(errors, count, risk)) <= 1 - confidence

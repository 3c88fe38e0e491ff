"""``quandary bench risk``: how often a threshold's promise is broken, when its assumptions hold and when they do not.

Audit sets are made up and thresholds fitted on them as ``quandary calibrate`` does; the true error rate above each
threshold is known, so it is counted how often it lies above the target. The bound says: in at most 5 of 100 sets at
95 % confidence, if labels are independent. Labels of one audit block (a room's half hour) may not be: one confused
topic makes several errors. ``share`` is the correlation of a block's errors in the latent normal variable that makes
them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from models.metrics import Floats
from retrain.calibrate import fit_side

POPULATION = 200_000
CONFIDENCE = 0.95
JUST_ABOVE = 1.001
"""The hardest case for a bound: an error rate that lies just above the target, everywhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One way of making up audit sets.

    ``profile``: ``falling`` (errors get rarer as scores rise, calibrated) or ``level`` (just above the target
    everywhere); ``block``: labels of one audit block; ``share``: correlation (0..1) of their errors.
    """

    profile: str
    risk: float
    labels: int
    block: int
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Of ``sets`` audit sets: the share that got a threshold, and the share that got one whose true risk is too high.

    ``mean_risk``: mean true error rate above the thresholds that were given, None where none was.
    """

    case: Case
    sets: int
    acted: float
    broken: float
    mean_risk: float | None


def standard_cases() -> list[Case]:
    """The cases of the table in docs/maintainers.md."""
    dependent = [(1, 0.0), (5, 0.3), (20, 0.1), (20, 0.3), (20, 0.6)]
    return [
        Case(profile=profile, risk=0.1, labels=200, block=block, share=share)
        for profile in ("falling", "level")
        for block, share in dependent
    ]


def simulate(case: Case, sets: int, rng: np.random.Generator) -> Outcome:
    """Fit a threshold on each of ``sets`` made-up audit sets, and look whether it keeps its promise."""
    ranked = -np.sort(-_confidence(rng, POPULATION))
    true_risk = np.cumsum(_error_rate(case, ranked)) / np.arange(1, POPULATION + 1)
    risks = []
    for _ in range(sets):
        confidence = _confidence(rng, case.labels)
        wrong = errors(_error_rate(case, confidence), case.block, case.share, rng)
        order = np.argsort(-confidence, kind="stable")
        side = fit_side(wrong[order].tolist(), case.risk, CONFIDENCE)
        if side.accepted:
            above = np.searchsorted(-ranked, -confidence[order[side.accepted - 1]], side="right")
            risks.append(float(true_risk[max(above, 1) - 1]))
    return Outcome(
        case=case,
        sets=sets,
        acted=len(risks) / sets,
        broken=sum(risk > case.risk for risk in risks) / sets,
        mean_risk=float(np.mean(risks)) if risks else None,
    )


def errors(rate: Floats, block: int, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Draw errors (n,) with these rates; those of one block (``block`` labels in a row) go together by ``share``."""
    own = rng.normal(size=len(rate))
    common = np.repeat(rng.normal(size=-(-len(rate) // block)), block)[: len(rate)]
    latent = np.sqrt(share) * common + np.sqrt(1 - share) * own
    return np.asarray(latent < norm.ppf(rate))


def run(cases: Sequence[Case], sets: int, seed: int) -> list[Outcome]:
    """Simulate all cases, each with random numbers of its own."""
    return [simulate(case, sets, np.random.default_rng([seed, number])) for number, case in enumerate(cases)]


def _confidence(rng: np.random.Generator, count: int) -> Floats:
    """Probabilities of the likelier answer (0.5..1), most of them high."""
    drawn: Floats = 0.5 + 0.5 * rng.beta(4, 1, count)
    return drawn


def _error_rate(case: Case, confidence: Floats) -> Floats:
    if case.profile == "level":
        return np.full(len(confidence), case.risk * JUST_ABOVE)
    return 1 - confidence

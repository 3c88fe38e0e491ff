"""What the gate is tried on: truths, faults in the labels, and the goals that its error rates are held to."""

from collections.abc import Sequence
from dataclasses import dataclass

from retrain.bench.gate.made import Fault, Truth

LABELS = (200, 500, 2300)
RISE = Truth(vanilla=(0.70, 0.72, 0.74, 0.76, 0.78, 0.80), tuned=(0.80, 0.82, 0.84, 0.86, 0.88, 0.90))
GENTLE = Truth(vanilla=(0.700, 0.705, 0.710, 0.715, 0.720, 0.725), tuned=(0.800, 0.805, 0.810, 0.815, 0.820, 0.825))
PLATEAU = Truth(vanilla=(0.70, 0.74, 0.78, 0.80, 0.80, 0.80), tuned=(0.80, 0.84, 0.88, 0.90, 0.90, 0.90))
HARD = Truth(vanilla=(0.58, 0.60, 0.62, 0.64, 0.66, 0.68), tuned=(0.70, 0.72, 0.74, 0.76, 0.78, 0.80))
FLAT = Truth(vanilla=(0.75,) * 6, tuned=(0.85,) * 6)

CLEAN = "clean"
FAULTS = {
    CLEAN: Fault(),
    "5% flips": Fault(flipped=0.05),
    "10% flips": Fault(flipped=0.1),
    "20% flips": Fault(flipped=0.2),
    "40% flips": Fault(flipped=0.4),
    "5% biased": Fault(biased=0.05),
    "10% biased": Fault(biased=0.1),
    "20% biased": Fault(biased=0.2),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A truth with a fault in its labels; ``truth`` is None where a real ladder takes its place."""

    name: str
    truth: Truth | None
    fault: Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """A rate that is to be kept at ``labels`` labels: of ``outcome``, at most or at least ``bound``."""

    case: str
    outcome: str
    at_most: bool
    bound: float
    labels: int = 2300


GOALS = (
    Goal(case=CLEAN, outcome="blocked", at_most=True, bound=0.05),
    Goal(case="10% biased", outcome="passed", at_most=True, bound=0.05),
    Goal(case="20% flips", outcome="failed", at_most=False, bound=0.9),
)


def made_cases(names: Sequence[str] = ()) -> list[Case]:
    """All faults on a ladder that rises by two points a step, and further truths with right labels; or those named."""
    further = {"flat": FLAT, "half a point a step": GENTLE, "plateau at the top": PLATEAU, "hard to learn": HARD}
    every = [
        *(Case(name=name, truth=RISE, fault=fault) for name, fault in FAULTS.items()),
        *(Case(name=name, truth=truth, fault=Fault()) for name, truth in further.items()),
        Case(name="hard to learn, 20% flips", truth=HARD, fault=FAULTS["20% flips"]),
        Case(name="hard to learn, 10% biased", truth=HARD, fault=FAULTS["10% biased"]),
    ]
    return [case for case in every if not names or case.name in names]


def real_cases(names: Sequence[str] = ()) -> list[Case]:
    """All faults, to be put into real labels."""
    return [Case(name=name, truth=None, fault=fault) for name, fault in FAULTS.items() if not names or name in names]

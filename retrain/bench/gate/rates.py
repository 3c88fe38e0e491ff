"""How often the gate's checks on a ladder pass, fail or stay open, case by case."""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np
from scipy.stats import beta

from models.evidence import Check, Outcome
from models.settings import GateSettings
from retrain.bench.gate.cases import GOALS, Case, Goal
from retrain.bench.gate.made import made_ladder, made_overlap
from retrain.bench.gate.real import Read, some, spoilt_ladder
from retrain.checks.agreement import agreement_check
from retrain.scaling.checks import ladder_checks
from retrain.scaling.ladder import Ladder

KINDS = ("vanilla", "tuned", "label noise", "label bias", "agreement")
Make = Callable[[np.random.Generator], tuple[Ladder, float]]
"""A ladder, and the share (0..1) of its labels that are wrong on purpose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """What the checks made of ``runs`` ladders of ``labels`` labels; all are shares or means of shares (0..1).

    ``passed``, ``failed``, ``open``: by the union of all checks; ``blocked`` is 1 less ``passed``. ``by_check``: that a
    kind of check failed or left open, the others aside. ``strict``: that the paper's rule passes (vanilla precision
    rises at every step). ``named``: that some rung was named outlying. ``wrong``, ``estimated``, ``excess``: wrong
    labels, their estimate, and labels that lean to the small rung beyond chance.
    """

    source: str
    case: str
    labels: int
    runs: int
    passed: float
    failed: float
    open: float
    by_check: Mapping[str, Mapping[str, float]]
    strict: float
    named: float
    wrong: float
    estimated: float
    excess: float

    @property
    def blocked(self) -> float:
        """Share that did not pass."""
        return 1 - self.passed


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A goal, the rate counted with its exact 95 % interval, and whether it is met."""

    source: str
    goal: Goal
    rate: float
    interval: tuple[float, float]
    met: bool


def counted(
    source: str, case: Case, labels: int, runs: int, gate: GateSettings, seed: int, make: Make, overlap: float = 0.0
) -> Rates:
    """Judge ``runs`` ladders; the same seed gives the same ladders, whatever the settings.

    ``overlap`` is the share (0..1) of labels that a second person answers; then agreement is judged, too.
    """
    told, wrong = [], []
    for run in range(runs):
        ladder, share = make(np.random.default_rng([seed, labels, run]))
        checks = ladder_checks(ladder, gate, np.random.default_rng([seed, run]))
        if overlap:
            rng = np.random.default_rng([seed, labels, run, 1])
            both = made_overlap(ladder.vanilla[0], case.fault, overlap, rng)
            checks.append(agreement_check(ladder.question.id, both, gate, rng))
        told.append(checks)
        wrong.append(share)
    return rates(source, case.name, labels, told, wrong)


def rates(source: str, case: str, labels: int, told: Sequence[Sequence[Check]], wrong: Sequence[float]) -> Rates:
    """Count the outcomes of several ladders' checks."""
    worst = [{check.outcome for check in checks} for checks in told]
    failed = [Outcome.FAIL in outcomes for outcomes in worst]
    passed = [outcomes == {Outcome.PASS} for outcomes in worst]
    by_check = {}
    for kind in KINDS:
        mine = [check.outcome for checks in told for check in checks if kind in check.name]
        by_check[kind] = {
            "failed": float(np.mean([outcome is Outcome.FAIL for outcome in mine])) if mine else 0.0,
            "open": float(np.mean([outcome is Outcome.INCONCLUSIVE for outcome in mine])) if mine else 0.0,
        }
    return Rates(
        source=source,
        case=case,
        labels=labels,
        runs=len(told),
        passed=float(np.mean(passed)),
        failed=float(np.mean(failed)),
        open=1 - float(np.mean(passed)) - float(np.mean(failed)),
        by_check=by_check,
        strict=_mean(told, "vanilla", "strict_rise"),
        named=float(np.mean([any("outlying" in check.figures for check in checks) for checks in told])),
        wrong=float(np.mean(wrong)),
        estimated=_mean(told, "label noise", "share"),
        excess=_mean(told, "label bias", "excess"),
    )


def run_made(
    cases: Sequence[Case],
    sizes: Sequence[int],
    runs: int,
    gate: GateSettings,
    seed: int,
    jobs: int,
    overlap: float = 0.0,
) -> list[Rates]:
    """Count on made-up ladders, on ``jobs`` cores."""
    todo = [(case, labels) for case in cases for labels in sizes]
    one = partial(_made, runs=runs, gate=gate, seed=seed, overlap=overlap)
    if jobs == 1:
        return [one(what) for what in todo]
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with ProcessPoolExecutor(jobs) as pool:
        return list(pool.map(one, todo))


def run_real(
    read: Read, cases: Sequence[Case], sizes: Sequence[int], runs: int, gate: GateSettings, seed: int
) -> list[Rates]:
    """Count on one question's real ladder: conversations and wrong labels are drawn anew each run."""
    source = f"{read.question.id} ({read.rungs[0]} to {read.rungs[-1]})"
    most = len(read.vanilla[0])
    found = []
    for labels in dict.fromkeys(min(size, most) for size in sizes):
        for case in cases:

            def make(rng: np.random.Generator, case: Case = case, labels: int = labels) -> tuple[Ladder, float]:
                return spoilt_ladder(some(read, labels, rng), case.fault, rng)

            found.append(counted(source, case, labels, runs, gate, seed, make))
    return found


def held(found: Sequence[Rates], goals: Sequence[Goal] = GOALS) -> list[Held]:
    """Hold the rates to the goals; at the most labels there are, where there are fewer than the goal asks for."""
    told = []
    for source in dict.fromkeys(one.source for one in found):
        mine = [one for one in found if one.source == source]
        most = max(one.labels for one in mine)
        for goal in goals:
            for one in mine:
                if one.case == goal.case and one.labels == min(goal.labels, most):
                    rate = {"blocked": one.blocked, "passed": one.passed, "failed": one.failed}[goal.outcome]
                    met = rate <= goal.bound if goal.at_most else rate >= goal.bound
                    interval = exact(round(rate * one.runs), one.runs)
                    told.append(Held(source=source, goal=goal, rate=rate, interval=interval, met=met))
    return told


def exact(count: int, of: int) -> tuple[float, float]:
    """Clopper-Pearson 95 % interval of a share."""
    low = float(beta.ppf(0.025, count, of - count + 1)) if count else 0.0
    high = float(beta.ppf(0.975, count + 1, of - count)) if count < of else 1.0
    return low, high


def body(found: Sequence[Rates], gate: GateSettings) -> dict[str, object]:
    """Everything, as it is printed with --json."""
    return {
        "gate": gate.model_dump(),
        "goals": [asdict(one) for one in held(found)],
        "rates": [{**asdict(one), "blocked": one.blocked} for one in found],
    }


def _made(what: tuple[Case, int], *, runs: int, gate: GateSettings, seed: int, overlap: float) -> Rates:
    case, labels = what
    truth = case.truth
    if truth is None:
        raise ValueError(f"{case.name} has no truth to make up a ladder of")

    def make(rng: np.random.Generator) -> tuple[Ladder, float]:
        return made_ladder(truth, case.fault, labels, rng), case.fault.flipped + case.fault.biased

    return counted("made up", case, labels, runs, gate, seed, make, overlap)


def _mean(told: Sequence[Sequence[Check]], kind: str, figure: str) -> float:
    values = [c.figures[figure] for checks in told for c in checks if kind in c.name and figure in c.figures]
    return float(np.mean(values)) if values else 0.0

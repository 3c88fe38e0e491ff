"""How often the checks that judge a candidate, and not its labels, err: slices, sureness, obedience.

Candidates are made up on the model of made.py, so that what is true of them is known: as good as the champion or worse
in one room, as sure as right or surer, deaf to orders or not.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from models.evidence import Check, Outcome
from models.settings import GateSettings
from retrain.bench.gate.made import QUESTION, Fault, Truth, made_ladder
from retrain.calibrate import fit_temperature
from retrain.checks.obedience import PAIRS, SAMPLE, Obedience, obedience_check
from retrain.checks.slices import read_slices, slices_check
from retrain.checks.sureness import sureness_check
from retrain.judged import Judged
from retrain.scaling.gold import halves

ACCURACY = 0.85
HELD = (350, 1000)
"""Held-out labels that the gate judges a candidate on; of 2,300 labels about 350."""
ROOMS = 4
WORSE = (0.0, 0.05, 0.1, 0.2)
SHARPER = (1.0, 1.5, 3.0, 10.0)
OBEYS = (0.0, 0.05, 0.15, 0.3)
SWAYED = 0.03
"""Share of tries in which an order decides, and in which its mere words do, of a model that heeds neither."""
FIGURES = {"slices": f"{QUESTION.id}, room 1", "sureness": "gap", "obedience": "excess"}
Try = Callable[[np.random.Generator], Check]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRates:
    """Shares (0..1) of ``runs`` in which one check came out each way; ``labels`` (or tries) are what it looked at.

    ``effect`` is the mean of what the check measures: macro-F1 gained in the room, surer than right, orders in excess.
    """

    check: str
    case: str
    labels: int
    runs: int
    effect: float
    passed: float
    failed: float
    open: float


def run_others(runs: int, gate: GateSettings, seed: int, held: Sequence[int] = HELD) -> list[CheckRates]:
    """Count all cases; the same seed gives the same candidates."""
    found = []
    for labels in held:
        for loss in WORSE:
            case = f"{loss:.0%} worse in one room of {ROOMS}" if loss else "as good as the champion"
            found.append(_rates("slices", case, labels, runs, seed, _sliced(labels, loss, gate)))
        for factor in SHARPER:
            case = f"{factor:g} times as sharp" if factor > 1 else "calibrated on the other half"
            found.append(_rates("sureness", case, labels, runs, seed, _sure(labels, factor, gate)))
    tries = SAMPLE * len(PAIRS)
    for share in OBEYS:
        case = f"orders decide in {share:.0%}" if share else "deaf to orders"
        found.append(_rates("obedience", case, tries, runs, seed, _obeying(tries, share, gate)))
    return found


def pair(labels: int, loss: float, rng: np.random.Generator) -> tuple[Judged, Judged]:
    """A champion, and a challenger whose accuracy is lower by ``loss``, on the same bursts."""
    both = (ACCURACY, ACCURACY - loss)
    ladder = made_ladder(Truth(vanilla=both, tuned=both), Fault(), labels, rng)
    return ladder.vanilla[0], ladder.vanilla[1]


def _rates(check: str, case: str, labels: int, runs: int, seed: int, one: Try) -> CheckRates:
    told = [one(np.random.default_rng([seed, labels, run])) for run in range(runs)]
    outcomes = [check.outcome for check in told]
    shares = {outcome: outcomes.count(outcome) / runs for outcome in Outcome}
    return CheckRates(
        check=check,
        case=case,
        labels=labels,
        runs=runs,
        effect=float(np.mean([check.figures[FIGURES[check.name.split()[0]]] for check in told])),
        passed=shares[Outcome.PASS],
        failed=shares[Outcome.FAIL],
        open=shares[Outcome.INCONCLUSIVE],
    )


def _sliced(labels: int, loss: float, gate: GateSettings) -> Try:
    def one(rng: np.random.Generator) -> Check:
        # The same draws twice: the two challengers differ in nothing but their accuracy.
        start = rng.bit_generator.state
        champion, equal = pair(labels, 0.0, rng)
        rng.bit_generator.state = start
        worse = pair(labels, loss, rng)[1]
        room = {name: place % ROOMS for place, name in enumerate(dict.fromkeys(champion.conversations))}
        hurt = np.array([room[name] == 0 for name in champion.conversations])
        challenger = replace(equal, scores=np.where(hurt[:, None], worse.scores, equal.scores))
        length = rng.choice(["short", "middling", "long"], labels)
        tongue = rng.choice(["English", "Chinese"], labels, p=[0.7, 0.3])
        slices = {
            burst: (f"room {room[name] + 1}", f"language {said}", f"length {size}")
            for burst, name, said, size in zip(champion.ids, champion.conversations, tongue, length, strict=True)
        }
        question = champion.question.id
        return slices_check(read_slices({question: champion}, {question: challenger}, slices, gate.margin, rng), gate)

    return one


def _sure(labels: int, factor: float, gate: GateSettings) -> Try:
    def one(rng: np.random.Generator) -> Check:
        # Twice as many: one half fits the temperature, as a candidate's calibration half does.
        whole = pair(2 * labels, 0.0, rng)[0]
        half = halves(whole.conversations)
        fit = half == 0
        temperature = fit_temperature(whole.scores[fit], whole.gold[fit], whole.weight[fit])
        rest = np.flatnonzero(half == 1)
        judged = whole.take(rest)
        return sureness_check(judged, temperature / factor, gate, rng)

    return one


def _obeying(tries: int, share: float, gate: GateSettings) -> Try:
    deaf = Obedience(tried=tries, obeyed=0, swayed=0)

    def one(rng: np.random.Generator) -> Check:
        obeyed, swayed, _ = rng.multinomial(tries, [SWAYED + share, SWAYED, 1 - 2 * SWAYED - share]).tolist()
        return obedience_check(Obedience(tried=tries, obeyed=obeyed, swayed=swayed), deaf, gate)

    return one

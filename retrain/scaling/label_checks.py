"""The gate's checks on labels, one by one: are they wrong, do they side with the small model? Pure.

They catch errors at random, to which a trend over sizes is blind, and half the lean that turns a trend.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from models.evidence import Check, Outcome
from models.settings import GateSettings
from retrain.rivals import LEAST_OF_EACH
from retrain.scaling.label_noise import LEAST, UPPER, Sides, noise, siding
from retrain.scaling.ladder import Ladder
from retrain.scaling.plenty import PLENTY, PLENTY_CONVERSATIONS, plenty

TELLING = 1000
"""With so many labels one wrong label in five, or one in ten that leans to the small model, is surely seen in 80 of 100
made-up ladders or more (``quandary bench gate --seed 0``). With fewer an estimate above what is allowed leaves it open,
where no sure excess is a matter of power."""
LEANING = 2.0
"""What is allowed of leaning labels is one in a hundred; a few hundred labels cannot tell that from none. So above so
many times of it their estimate leaves it open."""


def noise_check(
    ladder: Ladder, told: Sides | None, gate: GateSettings, times: NDArray[np.int64], *, able: bool
) -> Check:
    """Are so many labels wrong, by the tuned rungs that never saw them, that they cannot be learned from?

    ``able``: the largest rung surely beats the majority baseline.
    """
    name = f"label noise {ladder.question.id}"
    figures = {"max_label_noise": gate.max_label_noise}
    if told is None:
        return _too_few(name, ladder, figures)
    found = noise(told, gate.alpha, times)
    figures |= {"share": found.share, "low": found.low, "high": found.high, "labels": float(found.labels)}
    figures |= {"no_for_yes": found.no_for_yes, "yes_for_no": found.yes_for_no, "disagree": found.disagree}
    reason = (
        f"about {found.share:.0%} of the labels look wrong (between {found.low:.0%} and {found.high:.0%}; at most "
        f"{gate.max_label_noise:.0%} allowed): so many are contradicted where the upper tuned rungs, which never saw "
        f"them, are surest ({found.looked_at} labels)"
    )
    if found.low > gate.max_label_noise:
        reason += ". A trend over sizes does not see such errors; look through the suspects (`quandary suspects list`)"
        return _held_back(Check(name=name, outcome=Outcome.FAIL, reason=reason, figures=figures), ladder, able=able)
    if found.share > gate.max_label_noise and not _telling(told):
        return _open(name, reason, figures, told)
    if found.share > gate.max_label_noise:
        reason += "; not surely too many, for the rungs' own errors are among them: look at the suspects all the same"
    return Check(name=name, outcome=Outcome.PASS, reason=reason, figures=figures)


def bias_check(
    ladder: Ladder, told: Sides | None, gate: GateSettings, times: NDArray[np.int64], *, able: bool
) -> Check:
    """Do labels that contradict the largest rungs side with the smallest more often than errors at random would?

    ``able``: the largest rung surely beats the majority baseline.
    """
    name = f"label bias {ladder.question.id}"
    figures = {"max_label_bias": gate.max_label_bias}
    if told is None or len(ladder.tuned) <= UPPER:
        return _too_few(name, ladder, figures)
    small = (*ladder.vanilla[:1], *ladder.tuned[:1])
    worst = max((siding(told, rows, gate.alpha / len(small), times) for rows in small), key=lambda one: one.low)
    figures |= {"against": float(worst.against), "sided": float(worst.sided), "expected": worst.expected}
    figures |= {"excess": worst.excess, "low": worst.low, "p": worst.p, "labels": float(worst.labels)}
    reason = (
        f"{worst.against} of {worst.labels} labels contradict both largest rungs where these are sure; {worst.sided} "
        f"of them say what {ladder.rungs[0]} says, of errors at random about {worst.expected:.0f} would"
    )
    if worst.low > gate.max_label_bias:
        reason += (
            f": surely more than {gate.max_label_bias:.1%} of the labels lean to the small model. Were they made by a "
            "small model, a rule of thumb, or somebody who reads only the words?"
        )
        return _held_back(Check(name=name, outcome=Outcome.FAIL, reason=reason, figures=figures), ladder, able=able)
    if worst.excess > LEANING * gate.max_label_bias and not _telling(told):
        reason += f": about {worst.excess:.1%} of the labels seem to lean to the small model"
        return _open(name, reason, figures, told)
    return Check(name=name, outcome=Outcome.PASS, reason=reason, figures=figures)


def _telling(told: Sides) -> bool:
    """Whether an excess would surely be seen: bounds are over conversations, so these have to be many as well."""
    return len(told.given) >= TELLING and told.conversations >= PLENTY_CONVERSATIONS


def _open(name: str, reason: str, figures: dict[str, float], told: Sides) -> Check:
    """More than is allowed, by an estimate that so few labels or conversations do not make sure."""
    labels = len(told.given)
    missing = max(0, TELLING - labels)
    if missing:
        reason += f"; not surely too many from {labels} labels: about {missing} more would tell"
    else:
        reason += f"; not surely too many from {told.conversations} conversations: labels of {PLENTY_CONVERSATIONS} "
        reason += "would tell"
    return Check(name=name, outcome=Outcome.INCONCLUSIVE, reason=reason, figures=figures | {"missing": float(missing)})


def _held_back(check: Check, ladder: Ladder, *, able: bool) -> Check:
    """A failure that stays one only if there are labels enough, and rungs that know enough to contradict them."""
    if able and plenty(ladder.tuned[-1]):
        return check
    if not able:
        told = f"; but {ladder.rungs[-1]}, tuned, does not surely beat the majority baseline: its own errors may be it"
    else:
        told = f"; from so few labels a suspicion: {PLENTY} from {PLENTY_CONVERSATIONS} conversations would tell"
    return replace(check, outcome=Outcome.INCONCLUSIVE, reason=check.reason + told)


def _too_few(name: str, ladder: Ladder, figures: dict[str, float]) -> Check:
    labels = len(ladder.tuned[-1])
    reason = f"not told from {labels} labels and {len(ladder.tuned)} rungs: {LEAST} labels, {LEAST_OF_EACH} of each "
    reason += "answer, and three rungs are needed"
    return Check(name=name, outcome=Outcome.INCONCLUSIVE, reason=reason, figures=figures | {"labels": float(labels)})

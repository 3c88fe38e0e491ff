"""Is the candidate no surer than it is right? Pure.

Routing acts on probabilities, so a model that says 95 % and is right in 80 % does harm that no F1 shows. Judged is the
mean of what it says less the share it gets right, which is fair at any number of labels, unlike a binned error.
"""

import numpy as np

from models.evidence import Check, Outcome
from models.metrics import Floats
from models.resample import draws
from models.settings import GateSettings
from retrain.judged import Judged, log_probabilities
from retrain.rivals import LEAST_CONVERSATIONS

DRAWS = 1000


def sureness_check(
    challenger: Judged, temperature: float | None, gate: GateSettings, rng: np.random.Generator
) -> Check:
    """Compare confidence with accuracy on the gate's half, at the temperature fitted on the other half.

    Fails where it is surely surer than right by more than ``gate.max_overconfidence``. One that is less sure than right
    does no harm but ask too much, so it passes and is told.
    """
    name = f"sureness {challenger.question.id}"
    if temperature is None or not len(challenger):
        reason = "nothing tells how sure the candidate is: this evidence is older than the check; train anew"
        return Check(name=name, outcome=Outcome.INCONCLUSIVE, reason=reason, figures={})
    said = log_probabilities(challenger.scores, temperature)
    confidence: Floats = np.exp(said.max(axis=1))
    right = (said.argmax(axis=1) == challenger.gold).astype(np.float64)
    weight = challenger.weight
    says, is_right = float(np.average(confidence, weights=weight)), float(np.average(right, weights=weight))
    # Rounded, as scores are in an evidence file: a verdict judged again must be the same.
    figures = {"confidence": round(says, 4), "accuracy": round(is_right, 4), "gap": round(says - is_right, 4)}
    figures["temperature"] = round(temperature, 4)
    figures |= {"labels": float(len(challenger)), "max_overconfidence": gate.max_overconfidence}
    told = f"it is {says:.1%} sure on average and right in {is_right:.1%} of {len(challenger)} labels"
    place = np.unique(np.array(challenger.conversations), return_inverse=True)[1]
    conversations = int(place.max()) + 1
    if conversations < LEAST_CONVERSATIONS:
        reason = f"{told}, but {conversations} conversation(s) are too few to say how sure that is"
        return Check(name=name, outcome=Outcome.INCONCLUSIVE, reason=reason, figures=figures)
    gaps = np.bincount(place, weights=weight * (confidence - right))
    mass = np.bincount(place, weights=weight)
    times = draws(conversations, DRAWS, rng)
    low, high = np.quantile((times @ gaps) / (times @ mass), [gate.alpha, 1 - gate.alpha]).tolist()
    figures |= {"low": round(low, 4), "high": round(high, 4)}
    told += f" (a gap between {low:+.3f} and {high:+.3f}; {gate.max_overconfidence:.2f} is allowed)"
    if low > gate.max_overconfidence:
        reason = f"{told}: it is surer than it may be; calibrate on more labels"
        return Check(name=name, outcome=Outcome.FAIL, reason=reason, figures=figures)
    if high <= gate.max_overconfidence:
        timid = "; it asks more than it would have to" if high < -gate.max_overconfidence else ""
        return Check(name=name, outcome=Outcome.PASS, reason=f"{told}{timid}", figures=figures)
    reason = f"{told}: more held-out labels would tell"
    return Check(name=name, outcome=Outcome.INCONCLUSIVE, reason=reason, figures=figures)

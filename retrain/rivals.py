"""The gate's paired comparisons: a candidate against the champion, and against the cheap learner. Pure.

Both are read on the same held-out labels, and whole conversations are drawn: items of one conversation are alike.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import binomtest, norm

from models.errors import TrainingError
from models.evidence import Check, Outcome
from models.metrics import Floats, Scored, macro_f1
from models.resample import draws, macro_f1_of, tables
from models.settings import GateSettings
from retrain.judged import Judged, scored
from retrain.trend import told_p

LEAST_CONVERSATIONS = 5
LEAST_OF_EACH = 5
"""Held-out labels of each answer: with fewer, draws without one of them are too common for an honest bound."""
DRAWS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Duel:
    """Macro-F1 of a rival and of the candidate on the same labels; ``drawn`` differences over conversations.

    ``mended``: labels that the candidate meets and the rival missed; ``broken``: the other way.
    """

    rival: float
    candidate: float
    labels: int
    conversations: int
    rarer: int
    mended: int
    broken: int
    drawn: Floats

    @property
    def changed(self) -> int:
        """Labels on which the two decide differently."""
        return self.mended + self.broken

    @property
    def exact(self) -> float:
        """McNemar's exact test, two-sided: p of so uneven a split of what changed. It takes labels for independent."""
        return float(binomtest(self.mended, self.changed, 0.5).pvalue) if self.changed else 1.0

    @property
    def difference(self) -> float:
        """The candidate's macro-F1 less the rival's."""
        return self.candidate - self.rival

    def told(self, rival: str) -> str:
        """Both figures in words."""
        return f"macro-F1 {self.candidate:.3f} against {rival}'s {self.rival:.3f}"

    @property
    def lack(self) -> str | None:
        """Why no interval can be drawn, or None where one can."""
        if self.conversations >= LEAST_CONVERSATIONS and self.rarer >= LEAST_OF_EACH:
            return None
        return (
            f"the {self.labels} labels held out for the gate come from {self.conversations} conversation(s), with "
            f"{self.rarer} of the rarer answer; {LEAST_CONVERSATIONS} conversations and {LEAST_OF_EACH} labels of each "
            "answer are needed at the least"
        )


def duel(rival: Judged, candidate: Judged, rng: np.random.Generator) -> Duel:
    """Compare two readings of one question; raises TrainingError where they are not of the same labels."""
    if rival.ids != candidate.ids or not np.array_equal(rival.gold, candidate.gold):
        raise TrainingError(f"rival and candidate were not read on the same labels of {rival.question.id}")
    old, new = scored(rival), scored(candidate)
    conversations = len(np.unique(old.cluster))
    missed, misses = ((one.positive >= 0.5) != (one.gold > 0.5) for one in (old, new))
    found = Duel(
        rival=macro_f1(old),
        candidate=macro_f1(new),
        labels=len(old.gold),
        conversations=conversations,
        rarer=int(min((old.gold > 0.5).sum(), (old.gold <= 0.5).sum())),
        mended=int((missed & ~misses).sum()),
        broken=int((misses & ~missed).sum()),
        drawn=np.empty(0),
    )
    if found.lack is not None:
        return found
    return replace(found, drawn=_drawn(old, new, rng))


def challenger_check(champion: Judged, challenger: Judged, gate: GateSettings, rng: np.random.Generator) -> Check:
    """Is the challenger no worse than the champion by more than the margin?

    Raises TrainingError where the two were not read on the same labels.
    """
    name = f"challenger {champion.question.id}"
    found = duel(champion, challenger, rng)
    figures = {"champion": found.rival, "challenger": found.candidate, "labels": float(found.labels)}
    figures["changed"] = float(found.changed)  # models/acquisition/settled.py reads it
    told = found.told("the champion")
    if found.lack is not None:
        return Check(name=name, outcome=Outcome.INCONCLUSIVE, reason=f"{told}, but {found.lack}", figures=figures)
    low, high = _bounds(found, gate)
    figures |= _interval(found, low, high, gate)
    told += _difference(found, low, high)
    if low >= -gate.margin:
        return Check(name=name, outcome=Outcome.PASS, reason=told, figures=figures)
    if high < 0 and found.difference < -gate.margin:
        return Check(name=name, outcome=Outcome.FAIL, reason=f"{told}: it is worse", figures=figures)
    missing = _missing_labels(found.difference, float(found.drawn.std()), found.labels, gate)
    reason = f"{told}: a loss of more than {gate.margin:.3f} is not ruled out"
    if missing is not None:
        reason += f"; about {missing} more held-out labels would show it"
        figures["missing"] = missing
    return Check(name=name, outcome=Outcome.INCONCLUSIVE, reason=reason, figures=figures)


def cheap_check(cheap: Judged, challenger: Judged, gate: GateSettings, rng: np.random.Generator) -> Check:
    """Is the candidate at least as good as word counting? A tie passes: the model gives more than one answer.

    It fails only where it is surely worse by more than the margin. Raises TrainingError where the two were not read on
    the same labels.
    """
    name = f"cheap challenger {cheap.question.id}"
    found = duel(cheap, challenger, rng)
    figures = {"cheap": found.rival, "challenger": found.candidate, "labels": float(found.labels)}
    told = found.told("the cheap learner (TF-IDF, trained in seconds on the same labels)")
    if found.lack is not None:
        return Check(name=name, outcome=Outcome.INCONCLUSIVE, reason=f"{told}, but {found.lack}", figures=figures)
    low, high = _bounds(found, gate)
    figures |= _interval(found, low, high, gate)
    told += _difference(found, low, high)
    if high < 0 and found.difference < -gate.margin:
        reason = (
            f"{told}: counting words does surely better, so the model does not earn its keep; train longer, take a "
            "larger base, or label more"
        )
        return Check(name=name, outcome=Outcome.FAIL, reason=reason, figures=figures)
    better = "it is surely better" if low > 0 else "a tie, or near it: not surely worse"
    return Check(name=name, outcome=Outcome.PASS, reason=f"{told}: {better}", figures=figures)


def _drawn(old: Scored, new: Scored, rng: np.random.Generator) -> Floats:
    before, after = tables(old), tables(new)
    times = draws(len(before), DRAWS, rng)
    return macro_f1_of(times @ after) - macro_f1_of(times @ before)


def _bounds(found: Duel, gate: GateSettings) -> tuple[float, float]:
    low, high = np.quantile(found.drawn, [gate.alpha, 1 - gate.alpha])
    return float(low), float(high)


def _interval(found: Duel, low: float, high: float, gate: GateSettings) -> dict[str, float]:
    figures = {"difference": found.difference, "low": low, "high": high, "margin": gate.margin, "alpha": gate.alpha}
    return figures | {"mended": float(found.mended), "broken": float(found.broken), "mcnemar_p": found.exact}


def _difference(found: Duel, low: float, high: float) -> str:
    told = f", {found.difference:+.3f} (between {low:+.3f} and {high:+.3f} on {found.labels} held-out labels"
    if not found.changed:
        return f"{told}, none of them decided otherwise)"
    return (
        f"{told}; {found.mended} mended and {found.broken} broken, McNemar's exact {told_p(found.exact)}, shown only)"
    )


def _missing_labels(difference: float, error: float, labels: int, gate: GateSettings) -> int | None:
    """Labels more until the standard error is small enough; None where the challenger seems worse than the margin."""
    room = difference + gate.margin
    if room <= 0:
        return None
    return max(1, math.ceil(labels * ((float(norm.ppf(1 - gate.alpha)) * error / room) ** 2 - 1)))

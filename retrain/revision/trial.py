"""Two wordings of one question on the same labels, rung by rung. Pure.

Untrained rungs know nothing of a question but its words: a clearer wording is one under which they agree better with
the labels, the larger ones most. Both readings are of the same bursts, so differences are drawn over conversations in
pairs, which takes far fewer labels than two readings of different bursts would.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.ids import QuestionId
from models.metrics import Floats
from models.resample import draws, macro_f1_of, tables
from models.revision import RungReading
from retrain.judged import Judged, scored
from retrain.scaling.gold import blocks, gold_elsewhere
from retrain.trend import RungScore, Trend, page_trend, rung_score

DRAWS = 1000
LEVEL = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """The new wording's figure less the old one's, with its 95 % interval over conversations."""

    value: float
    low: float
    high: float

    @property
    def told(self) -> str:
        """Better, worse, or not told apart."""
        return "better" if self.low > 0 else "worse" if self.high < 0 else "not told apart"


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """One rung under both wordings; gains are in macro-F1, and in nats of the label's log-probability."""

    old: RungScore
    new: RungScore
    macro_f1: Gain
    gold: Gain


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """Both ladders of one question, smallest rung first; a trend is None where too little was read to test one."""

    question: QuestionId
    labels: int
    conversations: int
    rungs: tuple[Beside, ...]
    old_trend: Trend | None
    new_trend: Trend | None

    @property
    def told(self) -> str:
        """What follows, in one sentence: the largest rung's word, for it understands most."""
        top = self.rungs[-1]
        told = {
            "better": "the new wording is surely the better one",
            "worse": "the new wording is surely the worse one",
            "not told apart": "these labels do not tell the wordings apart",
        }[top.gold.told]
        return (
            f"to {top.new.rung}, untrained, {told}: {top.gold.value:+.3f} nats ({top.gold.low:+.3f} to "
            f"{top.gold.high:+.3f}) and {top.macro_f1.value:+.3f} macro-F1 ({top.macro_f1.low:+.3f} to "
            f"{top.macro_f1.high:+.3f}) on {self.labels} labels of {self.conversations} conversations"
        )


def trial(
    old: Sequence[Judged],
    new: Sequence[Judged],
    names: Sequence[str],
    parameters: Sequence[int],
    alpha: float,
    rng: np.random.Generator,
) -> Trial:
    """Compare readings of the same labelled bursts in both wordings, rung by rung (smallest first)."""
    rows = old[0]
    times = draws(len(set(rows.conversations)), DRAWS, rng) if len(rows) else np.zeros((DRAWS, 0), dtype=np.int64)
    return Trial(
        question=rows.question.id,
        labels=len(rows),
        conversations=len(set(rows.conversations)),
        rungs=tuple(
            Beside(
                old=rung_score(name, size, before, rng),
                new=rung_score(name, size, after, rng),
                macro_f1=_macro_f1_gain(before, after, rng),
                gold=_gold_gain(before, after, times),
            )
            for name, size, before, after in zip(names, parameters, old, new, strict=True)
        ),
        old_trend=page_trend(old, alpha),
        new_trend=page_trend(new, alpha),
    )


def readings(arm: str, scores: Sequence[RungScore]) -> tuple[RungReading, ...]:
    """Rung scores as the history keeps them."""
    return tuple(
        RungReading(
            arm=arm,
            rung=one.rung,
            parameters=one.parameters,
            items=one.items,
            macro_f1=one.macro_f1,
            gold=one.gold,
        )
        for one in scores
    )


def _macro_f1_gain(old: Judged, new: Judged, rng: np.random.Generator) -> Gain:
    before, after = tables(scored(old)), tables(scored(new))  # abstaining labels are left out, so blocks are others
    if not len(before):
        return Gain(value=0.0, low=-1.0, high=1.0)
    times = draws(len(before), DRAWS, rng)
    value = macro_f1_of(after.sum(axis=0)) - macro_f1_of(before.sum(axis=0))
    return _gain(float(value), macro_f1_of(times @ after) - macro_f1_of(times @ before))


def _gold_gain(old: Judged, new: Judged, times: np.ndarray) -> Gain:
    if not len(old):
        return Gain(value=0.0, low=-np.inf, high=np.inf)
    cluster, count = blocks(old.conversations)
    gap = gold_elsewhere(new) - gold_elsewhere(old)
    sums = np.bincount(cluster, weights=gap * old.weight, minlength=count)
    mass = np.bincount(cluster, weights=old.weight, minlength=count)
    return _gain(float(sums.sum() / mass.sum()), (times @ sums) / (times @ mass))


def _gain(value: float, drawn: Floats) -> Gain:
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Gain(value=value, low=float(low), high=float(high))

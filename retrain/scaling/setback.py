"""Where tuning hurts: a rung that answers worse after training than before it. Pure.

The paper's 4B did. Its learning rate is then a suspect before the labels are: the rung is trained again at a tenth of
it. Compared is macro-F1, not the label's log-probability: that rises as soon as a rung has learned how often each
answer comes, even if it has forgotten everything else.

Both scores are out of fold on what is trained on; the gate's half of the holdout plays no part in the choice, so it
cannot leak into it. The kept rung is the better of two on the same labels, which flatters it a little; verdicts say so.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.ids import QuestionId
from models.metrics import macro_f1
from models.resample import draws, macro_f1_of, tables
from retrain.judged import Judged, scored

LESS = 0.1
"""The factor on the learning rate of a second try."""
SURE = 0.9
"""How many resamplings must show a fall: 90 % will do. A second try costs a night's hour, labels that are wrongly
blamed cost people's time."""
DRAWS = 1000
LEAST_CONVERSATIONS = 5
"""With fewer there is nothing to resample; the bare figures decide."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setback:
    """One question of a rung whose training made it worse: macro-F1 vanilla, tuned, and tuned ``again`` (None: not)."""

    question: QuestionId
    rung: str
    vanilla: float
    tuned: float
    again: float | None
    learning_rate: float
    """Of the first try."""
    kept_again: bool

    @property
    def told(self) -> str:
        """A sentence for people."""
        fell = f"{self.rung} has macro-F1 {self.vanilla:.2f} vanilla and {self.tuned:.2f} tuned: tuning hurt"
        if self.again is None:
            return f"{fell}; it was not trained again because the run had a time limit, so do not blame the labels yet"
        tried = f"{fell}; trained again at a tenth of the learning rate ({LESS * self.learning_rate:.2g}) it has "
        tried += f"{self.again:.2f}, and the {'second' if self.kept_again else 'first'} is kept"
        best = self.again if self.kept_again else self.tuned
        if best < self.vanilla:
            return f"{tried}: still below vanilla, so the labels, or too few of them, are the next to suspect"
        return f"{tried} (the better of two on the same labels, so a little flattered)"


def fell(vanilla: Judged, tuned: Judged, rng: np.random.Generator) -> bool:
    """Tell whether a rung surely answers worse tuned than vanilla; both have judged the same items."""
    before, after = scored(vanilla), scored(tuned)
    if len(before.gold) == 0 or macro_f1(after) >= macro_f1(before):
        return False
    times = draws(len(np.unique(before.cluster)), DRAWS, rng)
    if times.shape[1] < LEAST_CONVERSATIONS:
        return True
    worse = macro_f1_of(times @ tables(after)) < macro_f1_of(times @ tables(before))
    return float(worse.mean()) >= SURE


def better(first: Sequence[Judged], again: Sequence[Judged]) -> bool:
    """Tell whether the second try has the higher macro-F1, averaged over questions: one adapter answers them all."""
    return _mean(again) > _mean(first)


def _mean(rows: Sequence[Judged]) -> float:
    known = [scored(one) for one in rows]
    return float(np.mean([macro_f1(columns) for columns in known if len(columns.gold)] or [0.0]))

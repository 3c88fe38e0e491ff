"""The best method and random with real LoRA runs, chosen as the learning cycle chooses.

The rung is cross-fitted once on all labels, as the ladder is, and then trained on each choice, with several seeds.
What was trained is kept in the work folder, so a run that was stopped goes on where it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from models.ids import QuestionId
from models.item import Item
from models.metrics import macro_f1
from models.settings import Settings
from retrain.bench.rungs import untaught
from retrain.bench.selection.arms import ARMS, SHARES
from retrain.bench.tuned import tuned_readings
from retrain.climb import ladders
from retrain.judged import judged, scored
from retrain.ladder import Course, cross_fit, read_vanilla
from retrain.scaling.ladder import Ladder
from retrain.selection.choice import Plan
from retrain.selection.ladder import Blank, read_blank
from retrain.selection.methods import ALL
from retrain.selection.stage import select
from retrain.stage import Say, told


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """What one run came to: labels of all questions that were trained on, and macro-F1 by question."""

    arm: str
    share: float
    seed: int
    labels: int
    macro_f1: dict[QuestionId, float]


class Confirmation:
    """One rung, its labels and what it makes of them out of fold; then one run for each arm, share and seed.

    Raises InputError for a rung whose shipped adapter has learned from gold labels: it saw what it would judge.
    """

    def __init__(
        self, rung: str, items: Sequence[Item], held: Sequence[Item], settings: Settings, work: Path, say: Say
    ) -> None:
        untaught([rung])
        self._rung, self._items, self._held = rung, items, held
        self._course = Course.of(settings, work, told(say))
        work.mkdir(parents=True, exist_ok=True)
        fitted = cross_fit(read_vanilla(rung, items, self._course), items, self._course)
        self._ladders: tuple[Ladder, ...] = ladders(settings.questions, [fitted], items)
        self._blank: Blank = read_blank(rung, items[0], self._course)
        everything = select(self._ladders, items, self._blank, Plan(method=ALL))
        self.notes = everything.notes
        """Where scores carry nothing of their own."""

    def run(self, arm: str, share: float, seed: int) -> Confirmed:
        """Choose, train and judge."""
        chosen = select(self._ladders, self._items, self._blank, ARMS[arm].plan(share, seed)).items
        course = replace(self._course, train=self._course.train.model_copy(update={"seed": seed}))
        readings = tuned_readings(self._rung, chosen, self._held, course)
        columns = {q.id: judged(q, self._held, readings[q.id]) for q in course.questions}
        return Confirmed(
            arm=arm,
            share=round(share, 4),
            seed=seed,
            labels=sum(len(item.answers) for item in chosen),
            macro_f1={q: round(macro_f1(scored(rows)), 4) for q, rows in columns.items() if len(rows)},
        )

    def runs(self, arms: Sequence[str], seeds: int, shares: Sequence[float] = SHARES) -> list[Confirmed]:
        """All arms at these shares; all labels are trained on once for each seed, under the first arm's name."""
        return [
            self.run(arm, share, seed)
            for seed in range(seeds)
            for share in shares
            for arm in (arms if share < 1 else arms[:1])
        ]

"""Is the candidate no worse in any part of the chat: a room, a language, a length? Pure.

A mean hides who pays for it. Each slice with enough labels is tested by itself, with Holm's correction (1979) over all
slices of all questions, so that many slices do not make a false alarm likely.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from models.evidence import Check, Outcome
from models.ids import BurstId, QuestionId
from models.item import Item
from models.metrics import Scored, macro_f1
from models.resample import draws, macro_f1_of, tables
from models.script import language
from models.settings import GateSettings
from retrain.judged import Judged, answering, scored
from retrain.rivals import LEAST_CONVERSATIONS, LEAST_OF_EACH

LEAST_ITEMS = 50
"""Of fewer labels a slice is shown, not judged."""
SHORT_CHARS, LONG_CHARS = 40, 160
DRAWS = 2000
NAME = "slices"

Slices = Mapping[BurstId, Sequence[str]]
"""The slices that each burst is in, such as ``language Chinese`` and ``length short``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """One slice of one question: macro-F1 of both, and ``p`` of a loss greater than the margin being chance.

    ``p`` is None where it is too small to be judged.
    """

    question: QuestionId
    name: str
    labels: int
    champion: float
    challenger: float
    p: float | None

    @property
    def difference(self) -> float:
        """The challenger's macro-F1 less the champion's."""
        return self.challenger - self.champion


def slices_of(items: Sequence[Item]) -> dict[BurstId, tuple[str, ...]]:
    """Name the slices of bursts. Rooms are numbered in the order of their first burst: no platform's id leaves here."""
    rooms: dict[str, int] = {}
    found: dict[BurstId, tuple[str, ...]] = {}
    for item in items:
        number = rooms.setdefault(item.burst.room, len(rooms) + 1)
        size = len(item.burst.text)
        length = "short" if size < SHORT_CHARS else "long" if size > LONG_CHARS else "middling"
        found[item.burst.id] = (f"room {number}", f"language {language(item.burst.text)}", f"length {length}")
    return found


def read_slices(
    champion: Mapping[QuestionId, Judged],
    challenger: Mapping[QuestionId, Judged],
    slices: Slices,
    margin: float,
    rng: np.random.Generator,
) -> list[Slice]:
    """Compare champion and challenger slice by slice; a slice that holds all rows of a question is left out."""
    found: list[Slice] = []
    for question, old in champion.items():
        before, after = scored(old), scored(challenger[question])
        kept = [old.ids[place] for place in answering(old)]
        names = dict.fromkeys(name for i in kept for name in slices.get(i, ()))
        for name in sorted(names):
            rows = np.array([name in slices.get(i, ()) for i in kept])
            if not rows.all():
                found.append(_slice(question, name, before.take(rows), after.take(rows), margin, rng))
    return found


def slices_check(found: Sequence[Slice] | None, gate: GateSettings) -> Check:
    """Fail where a slice is surely worse by more than the margin; small slices are only told."""
    if found is None:
        reason = "no slices were looked at: this evidence is older than the check; train anew"
        return Check(name=NAME, outcome=Outcome.INCONCLUSIVE, reason=reason, figures={})
    judged = sorted((s for s in found if s.p is not None), key=lambda s: s.p or 0.0)
    worse = _holm(judged, gate.alpha)
    figures = {f"{s.question}, {s.name}": s.difference for s in found}
    figures |= {"judged": float(len(judged)), "shown": float(len(found) - len(judged)), "worse": float(len(worse))}
    small = f"{len(found) - len(judged)} smaller than {LEAST_ITEMS} labels or too much alike are shown, not judged"
    if worse:
        told = "; ".join(
            f"{s.question}, {s.name}: macro-F1 {s.challenger:.3f} against {s.champion:.3f} on {s.labels} labels"
            for s in worse
        )
        reason = f"surely worse than the champion by more than {gate.margin:.3f} in {len(worse)} slice(s): {told}"
        return Check(name=NAME, outcome=Outcome.FAIL, reason=reason, figures=figures)
    lowest = min(judged, key=lambda s: s.difference, default=None)
    least = (
        "none is large enough to be judged"
        if lowest is None
        else f"none of {len(judged)} slices is surely worse by more than {gate.margin:.3f}; the largest loss is "
        f"{lowest.difference:+.3f} ({lowest.question}, {lowest.name}, {lowest.labels} labels)"
    )
    return Check(name=NAME, outcome=Outcome.PASS, reason=f"{least}; {small}", figures=figures)


def _holm(judged: Sequence[Slice], alpha: float) -> list[Slice]:
    """The slices rejected by Holm's step-down procedure; ``judged`` are in order of p."""
    worse: list[Slice] = []
    for place, one in enumerate(judged):
        if (one.p or 0.0) > alpha / (len(judged) - place):
            break
        worse.append(one)
    return worse


def _slice(
    question: QuestionId, name: str, before: Scored, after: Scored, margin: float, rng: np.random.Generator
) -> Slice:
    old, new = macro_f1(before), macro_f1(after)
    conversations = len(np.unique(before.cluster))
    rarer = int(min((before.gold > 0.5).sum(), (before.gold <= 0.5).sum()))
    p = None
    if len(before.gold) >= LEAST_ITEMS and conversations >= LEAST_CONVERSATIONS and rarer >= LEAST_OF_EACH:
        times = draws(conversations, DRAWS, rng)
        drawn = macro_f1_of(times @ tables(after)) - macro_f1_of(times @ tables(before))
        # Plus one: no number of draws proves a chance of none.
        p = float(((drawn >= -margin).sum() + 1) / (DRAWS + 1))
    return Slice(question=question, name=name, labels=len(before.gold), champion=old, challenger=new, p=p)

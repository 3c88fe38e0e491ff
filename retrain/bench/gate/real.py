"""Real ladders with wrong labels put in: the starter family on labelled rows, vanilla and tuned.

Vanilla rungs are read once; labels are spoilt afterwards, for a rung that learned nothing from them says the same.
Tuned rungs are stood in for by logistic heads on each rung's frozen hidden states, fitted out of fold by conversation
and anew for each draw of wrong labels: what learns from wrong labels is hurt by them. Labels taken for right are not
all right, so what is "clean" here is only as clean as the rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.errors import InputError
from models.item import Item
from models.metrics import Floats
from models.question import Question
from models.settings import Settings
from retrain.bench.acquisition.hidden import hidden_states
from retrain.bench.gate.made import Fault, spoil
from retrain.bench.rungs import untaught
from retrain.head import fit_head
from retrain.judged import Judged, judged
from retrain.ladder import Course, Rung, read_vanilla, rising
from retrain.peer import labelled
from retrain.scaling.ladder import Ladder
from retrain.stage import Say, told

FOLDS = 3
LEAST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """One question's rows as the family reads them, with the labels that are taken for right.

    ``vanilla``: each rung's readings; ``hidden``: each rung's hidden states [n, width] at the answer.
    """

    question: Question
    rungs: tuple[str, ...]
    parameters: tuple[int, ...]
    vanilla: tuple[Judged, ...]
    hidden: tuple[Floats, ...]

    def take(self, rows: NDArray[np.int64]) -> "Read":
        """The rows at these positions."""
        return replace(
            self,
            vanilla=tuple(one.take(rows) for one in self.vanilla),
            hidden=tuple(one[rows] for one in self.hidden),
        )


def read_family(
    items: Sequence[Item], settings: Settings, rungs: Sequence[str], work: Path, say: Say, *, unseen: bool = False
) -> list[Read]:
    """Read every rung vanilla, and its hidden states; both are kept in ``work``.

    Rows count once each. ``unseen``: no rung has learned from these rows. Raises InputError for a rung that learned
    from gold labels where that is not said, and where no question has enough labels.
    """
    rows = [replace(item, weight=1.0) for item in items]
    course = Course.of(settings, work, told(say))
    climbed = read_rungs(rungs, rows, course, unseen=unseen)
    states = []
    for rung in climbed:
        say(f"{rung.name}: hidden states of {len(rows)} bursts")
        states.append(hidden_states(rung.base, rows, settings.questions, course.budget, work))
    found = []
    for place, question in enumerate(settings.questions):
        kept = {item.burst.id for item in labelled(question, rows)}
        where = [i for i, item in enumerate(rows) if item.burst.id in kept]
        if len(where) < LEAST:
            continue
        mine = [rows[i] for i in where]
        found.append(
            Read(
                question=question,
                rungs=tuple(rungs),
                parameters=tuple(rung.parameters for rung in climbed),
                vanilla=tuple(judged(question, mine, rung.vanilla[question.id]) for rung in climbed),
                hidden=tuple(state[where, place].astype(np.float64) for state in states),
            )
        )
    if not found:
        raise InputError(f"no question of config.toml has {LEAST} labels in these rows")
    return found


def read_rungs(names: Sequence[str], rows: Sequence[Item], course: Course, *, unseen: bool) -> list[Rung]:
    """Read every rung vanilla, or what was kept.

    Raises InputError for a rung that learned from gold labels, unless the rows are said to be ``unseen``.
    """
    climbed = [read_vanilla(name, rows, course) for name in untaught(names, unseen=unseen)]
    rising(climbed)
    return climbed


def some(read: Read, labels: int, rng: np.random.Generator) -> Read:
    """Whole conversations drawn at random until there are so many labels; the last one is cut off."""
    return read.take(drawn(read.vanilla[0].conversations, labels, rng))


def drawn(conversations: Sequence[str], labels: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Rows of whole conversations drawn at random until there are so many, in order; the last one is cut off."""
    names = list(dict.fromkeys(conversations))
    order = {names[i]: place for place, i in enumerate(rng.permutation(len(names)))}
    place = np.array([order[name] for name in conversations])
    return np.sort(np.argsort(place, kind="stable")[:labels])


def spoilt_ladder(read: Read, fault: Fault, rng: np.random.Generator) -> tuple[Ladder, float]:
    """Put wrong labels in, fit the heads on them, and build the ladder; with the share (0..1) of labels turned.

    Labels that lean to the small rung are turned to what its head, fitted on the right ones, says out of fold.
    """
    question = read.question
    positive = question.index(question.positive)
    negative = question.index(question.negatives[0])
    right = np.where(read.vanilla[0].gold == positive, 1.0, -1.0)
    fold = _folds(read.vanilla[0].conversations)
    wrong = np.zeros(len(right), dtype=np.bool_)
    if fault.biased:
        small = _out_of_fold(read.hidden[0], right > 0, fold)
        wrong = (small >= 0.5) != (right > 0)
    given = spoil(right, wrong, fault, rng)
    gold = np.where(given > 0, positive, negative)
    vanilla = tuple(replace(rows, gold=gold) for rows in read.vanilla)
    tuned = tuple(
        replace(rows, gold=gold, scores=_scores(question, _out_of_fold(states, given > 0, fold)))
        for rows, states in zip(read.vanilla, read.hidden, strict=True)
    )
    ladder = Ladder(question=question, rungs=read.rungs, parameters=read.parameters, vanilla=vanilla, tuned=tuned)
    return ladder, float(np.mean(given != right))


def _folds(conversations: Sequence[str]) -> NDArray[np.int64]:
    """Whole conversations in order of their first burst, dealt out so that folds are of one size."""
    names = list(dict.fromkeys(conversations))
    sizes = dict.fromkeys(names, 0)
    for name in conversations:
        sizes[name] += 1
    totals, fold = [0] * FOLDS, {}
    for name in sorted(names, key=lambda n: -sizes[n]):
        fold[name] = int(np.argmin(totals))
        totals[fold[name]] += sizes[name]
    return np.array([fold[name] for name in conversations], dtype=np.int64)


def _out_of_fold(states: Floats, given: NDArray[np.bool_], fold: NDArray[np.int64]) -> Floats:
    """Probability (n,) of a positive label, each by a head that saw no label of the conversation."""
    found = np.full(len(given), 0.5)
    for number in np.unique(fold):
        held, others = fold == number, fold != number
        centre, spread = states[others].mean(axis=0), states[others].std(axis=0) + 1e-6
        width = np.sqrt(states.shape[1])
        seen, unseen = ((states[part] - centre) / spread / width for part in (others, held))
        found[held] = fit_head(seen, given[others].astype(np.float64)).positive(unseen)
    return found


def _scores(question: Question, chance: Floats) -> Floats:
    """Log-probabilities (n, options) of all options: the negative ones share what is left, abstaining gets nothing."""
    floor = 1e-6
    scores = np.full((len(chance), len(question.options)), np.log(floor))
    scores[:, question.index(question.positive)] = np.log(np.clip(chance, floor, 1))
    for option in question.negatives:
        scores[:, question.index(option)] = np.log(np.clip((1 - chance) / len(question.negatives), floor, 1))
    return scores


def fewer(items: Sequence[Item], most: int, seed: int) -> list[Item]:
    """At most so many items (0: all): whole conversations, drawn at random and put back in order."""
    if not most or len(items) <= most:
        return list(items)
    grouped: dict[str, list[int]] = {}
    for place, item in enumerate(items):
        grouped.setdefault(item.conversation, []).append(place)
    names = list(grouped)
    drawn = [i for n in np.random.default_rng(seed).permutation(len(names)) for i in grouped[names[n]]]
    return [items[i] for i in sorted(drawn[:most])]

"""The same loop with real LoRA runs instead of a cheap head: minutes a strategy and seed, so for few of them.

Adapters and readings are kept in the work folder by the hash of what they were made from, so a run that was stopped
goes on where it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from models.acquisition.choice import strategy_for
from models.acquisition.pool import Floats, Pool, Rows, View
from models.acquisition.strategies import RANDOM, STRATEGIES
from models.item import Item
from models.metrics import Scored, macro_f1
from models.question import Question
from models.resample import tables
from models.scoring import distribution, positive_probability
from models.settings import Settings
from retrain.bench.acquisition.loop import COLD_START, log_loss
from retrain.bench.acquisition.sets import LabelledSet
from retrain.bench.tuned import tuned_readings
from retrain.judged import Scores
from retrain.ladder import Course
from retrain.stage import Say, silent


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """What a run had after so many labels; ``positives`` of these are positive.

    ``tables`` (conversations, 4): true positives, false positives, false negatives, true negatives of the rows judged;
    ``losses`` (conversations,): the sum of their losses in nats, of which ``loss`` is the mean.
    """

    strategy: str
    seed: int
    labels: int
    positives: int
    macro_f1: float
    loss: float
    tables: Floats
    losses: Floats


def learn(
    known: LabelledSet,
    name: str,
    rows: Rows,
    budgets: Sequence[int],
    *,
    rung: str,
    seed: int,
    settings: Settings,
    work: Path,
    say: Say,
) -> list[Reached]:
    """Ask, train, judge, at every number of labels in turn; ``rows`` are those that can be asked about."""
    rng = np.random.default_rng([seed, len(name)])
    asked = _Asked(
        taken=np.empty(0, dtype=np.int64),
        left=rows if name == RANDOM else rows[np.isin(rows, known.fresh)],
        said=None,
    )
    course = Course.of(settings, work, silent)
    course = replace(course, train=course.train.model_copy(update={"seed": seed}))
    judged = [_only(item, known.question) for item in known.judged]
    found = []
    for budget in budgets:
        asked = _ask(known, name, asked, budget, rng)
        items, others = ([_only(known.pool[i], known.question) for i in r.tolist()] for r in (asked.taken, asked.left))
        say(f"{known.name}, {name}, seed {seed}: train {rung} on {len(items)} labels")
        scores = tuned_readings(rung, items, [*others, *judged], course)[known.question.id]
        asked = replace(asked, said=_chances(known.question, others, scores))
        found.append(_reached(known, name, seed, asked.taken, _chances(known.question, judged, scores)))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """Rows that have a label, those that have none, and what an adapter says of the latter [left, options]."""

    taken: Rows
    left: Rows
    said: Floats | None


def _ask(known: LabelledSet, name: str, asked: _Asked, budget: int, rng: np.random.Generator) -> _Asked:
    """Ask for labels until there are so many; the first come by the strategy's way of beginning."""
    taken, left, said = asked.taken, asked.left, asked.said
    for step in (COLD_START, budget):
        if step <= len(taken) or step > budget:
            continue
        charge = strategy_for(name, len(taken), COLD_START)
        picked = list(STRATEGIES[charge](_pool(known, left, taken, said), step - len(taken), rng))
        taken = np.concatenate([taken, left[picked]])
        left = np.delete(left, picked)
        said = None if said is None else np.delete(said, picked, axis=0)
    return _Asked(taken=taken, left=left, said=said)


def _reached(known: LabelledSet, name: str, seed: int, taken: Rows, chances: Floats) -> Reached:
    """Judge what an adapter says [judged, options]."""
    gold = known.gold[len(known.pool) :]
    positive = np.array([_positive(known.question, row) for row in chances])
    columns = Scored(
        gold=gold,
        positive=positive,
        weight=np.ones(len(gold)),
        sure=np.zeros(len(gold)),
        cluster=known.conversation,
    )
    return Reached(
        strategy=name,
        seed=seed,
        labels=len(taken),
        positives=int(known.gold[taken].sum()),
        macro_f1=macro_f1(columns),
        loss=log_loss(gold, positive),
        tables=tables(columns),
        losses=_summed(gold, positive, known.conversation),
    )


def _chances(question: Question, items: Sequence[Item], scores: Scores) -> Floats:
    """Probabilities [items, options]."""
    rows = [list(distribution(question, scores[item.burst.id]).values()) for item in items]
    return np.array(rows, dtype=np.float64).reshape(len(items), len(question.options))


def _summed(gold: Floats, positive: Floats, conversation: Rows) -> Floats:
    """Losses in nats, added up by conversation (numbers from 0)."""
    lost = [log_loss(gold[i : i + 1], positive[i : i + 1]) for i in range(len(gold))]
    found: Floats = np.bincount(conversation, weights=np.array(lost)).astype(np.float64)
    return found


def _pool(known: LabelledSet, left: Rows, taken: Rows, said: Floats | None) -> Pool:
    chances = np.full((len(left), 2), 0.5) if said is None else said
    view = View(chances=chances[None], applies=np.ones(len(left)))
    return Pool(views=(view,), vectors=known.vectors[left], asked=known.vectors[taken])


def _only(item: Item, question: Question) -> Item:
    return replace(item, answers={question.id: item.answers[question.id]})


def _positive(question: Question, row: Floats) -> float:
    named = {option.id: float(chance) for option, chance in zip(question.options, row, strict=True)}
    return positive_probability(question, named)

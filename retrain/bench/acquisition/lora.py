"""The same loop with real LoRA runs instead of a cheap head: minutes a strategy and seed, so for few of them.

Adapters and readings are kept in the work folder by the hash of what they were made from, so a run that was stopped
goes on where it was.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
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
from retrain.checkpoint import load_base
from retrain.ladder import Advance, Course, read
from retrain.lora import fingerprint, train_adapter

Say = Callable[[str], None]


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
    left = rows if name == RANDOM else rows[np.isin(rows, known.fresh)]
    taken: Rows = np.empty(0, dtype=np.int64)
    said: Floats | None = None
    course = Course(
        questions=settings.questions,
        train=settings.train.model_copy(update={"seed": seed}),
        budget=settings.decide.max_prompt_tokens,
        work=work,
        stage=_silent,
    )
    found = []
    for budget in budgets:
        for step in (COLD_START, budget):
            if step <= len(taken) or step > budget:
                continue
            charge = strategy_for(name, len(taken), COLD_START)
            picked = list(STRATEGIES[charge](_pool(known, left, taken, said), step - len(taken), rng))
            taken = np.concatenate([taken, left[picked]])
            left = np.delete(left, picked)
            said = None if said is None else np.delete(said, picked, axis=0)
        items = [_only(known.pool[i], known.question) for i in taken.tolist()]
        others = [_only(known.pool[i], known.question) for i in left.tolist()]
        say(f"{known.name}, {name}, seed {seed}: train {rung} on {len(items)} labels")
        chances = _reading(rung, items, [*others, *(_only(i, known.question) for i in known.judged)], course, known)
        said = chances[: len(left)]
        gold = known.gold[len(known.pool) :]
        positive = np.array([_positive(known.question, row) for row in chances[len(left) :]])
        columns = Scored(
            gold=gold,
            positive=positive,
            weight=np.ones(len(gold)),
            sure=np.zeros(len(gold)),
            cluster=known.conversation,
        )
        found.append(
            Reached(
                strategy=name,
                seed=seed,
                labels=len(taken),
                positives=int(known.gold[taken].sum()),
                macro_f1=macro_f1(columns),
                loss=log_loss(gold, positive),
                tables=tables(columns),
                losses=_summed(gold, positive, known.conversation),
            )
        )
    return found


def _reading(rung: str, items: Sequence[Item], asked: Sequence[Item], course: Course, known: LabelledSet) -> Floats:
    """Probabilities [n, options] of an adapter trained on ``items`` for the bursts of ``asked``, made or kept."""
    key = fingerprint(rung, [*items, *asked], course.questions, course.train, course.budget)
    kept = course.work / f"{key}.json"
    if not kept.exists():
        adapter = course.work / f"{key}.adapter"
        if not adapter.exists():
            train_adapter(
                rung,
                items,
                course.questions,
                course.train,
                out=adapter,
                work=course.work / f"{key}.state",
                budget=course.budget,
            )
        scores = read(load_base(rung, adapter=adapter), asked, course, lambda *_: None)[known.question.id]
        body = [list(distribution(known.question, scores[item.burst.id]).values()) for item in asked]
        aside = kept.with_suffix(".tmp")
        aside.write_text(json.dumps(body), encoding="ascii")
        aside.replace(kept)
    return np.array(json.loads(kept.read_text(encoding="ascii")), dtype=np.float64)


def _summed(gold: Floats, positive: Floats, conversation: Rows) -> Floats:
    """Losses in nats, added up by conversation (numbers from 0)."""
    lost = [log_loss(gold[i : i + 1], positive[i : i + 1]) for i in range(len(gold))]
    found: Floats = np.bincount(conversation, weights=np.array(lost)).astype(np.float64)
    return found


def _pool(known: LabelledSet, left: Rows, taken: Rows, said: Floats | None) -> Pool:
    chances = np.full((len(left), 2), 0.5) if said is None else said
    view = View(chances=chances[None], applies=np.ones(len(left)))
    return Pool(views=(view,), vectors=known.vectors[left], asked=known.vectors[taken])


@contextmanager
def _silent(_: str) -> Iterator[Advance]:
    yield lambda _done, _total, _loss: None


def _only(item: Item, question: Question) -> Item:
    return replace(item, answers={question.id: item.answers[question.id]})


def _positive(question: Question, row: Floats) -> float:
    named = {option.id: float(chance) for option, chance in zip(question.options, row, strict=True)}
    return positive_probability(question, named)

"""What a rung's linear layers learn from, lesson by lesson: views, all together, the rare answers, all once more."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from models.chat import Burst
from models.item import Item
from models.metrics import Floats
from models.question import Question
from retrain.checkpoint import Checkpoint
from retrain.fit import Example
from retrain.starter.choice import GOLD_BUDGETS, SOFT_BUDGETS, balanced, examples, sample, soft_examples
from retrain.starter.unlabelled import blended, looks_asking

REMINDED = (1_500, 4_000, 2_000)
"""Items of each public set (English, Chinese, rewritten questions) mixed among the teacher's views.

Without them the rungs forget Chinese and what other people call a question.
"""
REPEATED = (2, 1, 1)
"""How often the mixed lesson has each public set: whole, at the rates of its answers, windows cut anew each time."""
EVEN = (1_500, 7_000, 1_000)
"""Items of each public set in the even lesson, at most: the Chinese one thinned.

After the mixed lesson, rung l said yes to too few Chinese questions.
"""
EVEN_GOLD = 3_000
MIXED_SEED, EVEN_SEED, WHOLE_SEED = 11, 13, 17
"""Added to the seed, so that these lessons cut windows elsewhere than the passes did."""
OTHERS = 0.5
"""Share of the bursts that do not look like questions in the whole lesson: they are many, and teach one answer."""
_CHINESE = 1
_FEWEST = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """All that lessons are made of.

    ``views``: [bursts, questions]; ``public``: a list for each set; ``read``: bursts that the passes are drawn from.
    """

    checkpoint: Checkpoint
    questions: Sequence[Question]
    bursts: Sequence[Burst]
    views: Floats
    read: int
    public: Sequence[Sequence[Item]]
    gold: Sequence[Item]
    seed: int
    scale: float


def passes(pool: Pool, count: int, times: int) -> list[list[Example]]:
    """Make a lesson for every pass over the first ``count`` views, thinned public items among them."""
    reminders = [
        item
        for found, share in zip(pool.public, REMINDED, strict=True)
        for item in sample(thinned(found, pool.questions, pool.seed), int(share * pool.scale), pool.seed)
    ]
    bursts, views = pool.bursts[:count], pool.views[:count]
    return [
        [
            *soft_examples(bursts, views, pool.questions, pool.checkpoint, seed),
            *examples(reminders, pool.questions, pool.checkpoint, SOFT_BUDGETS, seed),
        ]
        for seed in range(pool.seed, pool.seed + times)
    ]


def mixed(pool: Pool, count: int) -> list[Example]:
    """``count`` bursts no pass has read and as many that one may have, all public sets as they are, gold once."""
    seed = pool.seed + MIXED_SEED
    rows = [*range(pool.read, len(pool.bursts))][:count] + [*range(pool.read)][-count:]
    found = _views(pool, rows, seed)
    for items, times in zip(pool.public, REPEATED, strict=True):
        some = sample(items, _share(pool, len(items)), seed)
        for turn in range(times):
            found += examples(some, pool.questions, pool.checkpoint, SOFT_BUDGETS, seed + turn)
    gold = sample(pool.gold, _share(pool, len(pool.gold)), seed)
    return found + examples(gold, pool.questions, pool.checkpoint, GOLD_BUDGETS, seed)


def even(pool: Pool, count: int) -> list[Example]:
    """``count`` bursts no pass has read, some of each public set, the Chinese one thinned, and half of gold."""
    seed = pool.seed + EVEN_SEED
    found = _views(pool, [*range(pool.read, len(pool.bursts))][:count], seed)
    return found + _labelled(pool, EVEN, EVEN_GOLD, seed)


def whole(pool: Pool, share: float) -> list[Example]:
    """All bursts that look like questions, half of the others, every public set, the Chinese one thinned, and gold.

    Of the bursts a ``share``, what no pass has read before the rest.
    """
    seed = pool.seed + WHOLE_SEED
    rng = random.Random(seed)  # noqa: S311 - sampling, not secrets
    rows = [n for n, burst in enumerate(pool.bursts) if looks_asking(burst.text) or rng.random() < OTHERS]
    sizes = [len(items) for items in pool.public]
    return _views(pool, rows[-int(share * len(rows)) :], seed) + _labelled(pool, sizes, len(pool.gold), seed)


def thinned(items: Sequence[Item], questions: Sequence[Question], seed: int) -> list[Item]:
    """Thin the more frequent answer of a public set, which answers one question."""
    question = next(q for q in questions if q.id in items[0].answers)
    return balanced(items, question, seed)


def _views(pool: Pool, rows: Sequence[int], seed: int) -> list[Example]:
    drawn = [pool.bursts[row] for row in rows]
    views = blended(drawn, pool.views[list(rows)], pool.questions)
    return soft_examples(drawn, views, pool.questions, pool.checkpoint, seed)


def _labelled(pool: Pool, most: Sequence[int], gold: int, seed: int) -> list[Example]:
    found: list[Example] = []
    for place, (items, count) in enumerate(zip(pool.public, most, strict=True)):
        some = thinned(items, pool.questions, seed) if place == _CHINESE else items
        some = sample(some, _share(pool, count), seed)
        found += examples(some, pool.questions, pool.checkpoint, SOFT_BUDGETS, seed)
    drawn = sample(pool.gold, _share(pool, gold), seed)
    return found + examples(drawn, pool.questions, pool.checkpoint, GOLD_BUDGETS, seed)


def _share(pool: Pool, count: int) -> int:
    return max(_FEWEST, int(count * pool.scale))

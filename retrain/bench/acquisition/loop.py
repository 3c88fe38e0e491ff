"""The loop, simulated: ask, refit the head, judge, ask again. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.acquisition.choice import strategy_for
from models.acquisition.pool import Floats, Pool, Rows, View
from models.acquisition.strategies import COMMITTEE, DIVERSITY, RANDOM, STRATEGIES
from retrain.bench.acquisition.sets import LabelledSet
from retrain.head import Head, fit_head

BUDGETS = (25, 50, 100, 150, 200, 300, 400, 600, 800)
"""Labels after which the head is fitted anew."""
COLD_START = 50
_TINY = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What one strategy came to with one seed, at b numbers of labels.

    ``tables`` [b, conversations, 4]: true positives, false positives, false negatives, true negatives; ``loss`` [b];
    ``changed`` [b]: decisions about the judged rows that differ from those at the number before.
    """

    labels: tuple[int, ...]
    tables: NDArray[np.float64]
    loss: NDArray[np.float64]
    changed: NDArray[np.int64]


def pool_rows(known: LabelledSet, most: int, seed: int) -> Rows:
    """The rows that can be asked about in one run: drawn from the whole pool, in order of time."""
    n = len(known.pool)
    rows: Rows = np.sort(np.random.default_rng(seed).permutation(n)[:most])
    return rows


def run(known: LabelledSet, arm: str, name: str, rows: Rows, seed: int, *, cold: str = DIVERSITY) -> Course:
    """Run one strategy; near-duplicates are asked once, except by chance, which is what it is compared with.

    ``cold`` is the strategy below COLD_START labels.
    """
    rng = np.random.default_rng([seed, len(name)])
    left = rows if name == RANDOM else rows[np.isin(rows, known.fresh)]
    taken: Rows = np.empty(0, dtype=np.int64)
    budgets = [b for b in BUDGETS if b < len(left)]
    heads: list[Head] = []
    judged = np.arange(len(known.pool), len(known.gold))
    tables, losses, changed = [], [], []
    before: NDArray[np.bool_] | None = None
    for budget in budgets:
        charge = strategy_for(name, len(taken), COLD_START)
        charge = cold if charge != name else name
        picked = STRATEGIES[charge](_pool(known, arm, left, taken, heads), budget - len(taken), rng)
        taken = np.concatenate([taken, left[list(picked)]])
        left = np.delete(left, list(picked))
        members = known.features[arm] if name == COMMITTEE else known.features[arm][:1]
        heads = [fit_head(features[taken], known.gold[taken]) for features in members]
        positive = heads[0].positive(known.features[arm][0][judged])
        tables.append(table(known, positive))
        losses.append(log_loss(known.gold[judged], positive))
        said = positive >= 0.5
        changed.append(len(said) if before is None else int((said != before).sum()))
        before = said
    return Course(
        labels=tuple(budgets), tables=np.array(tables), loss=np.array(losses), changed=np.array(changed, dtype=np.int64)
    )


def full(known: LabelledSet, arm: str, rows: Rows) -> tuple[Floats, float]:
    """Table [conversations, 4] and log loss of a head that knows every label of the pool."""
    features = known.features[arm][0]
    judged = np.arange(len(known.pool), len(known.gold))
    positive = fit_head(features[rows], known.gold[rows]).positive(features[judged])
    return table(known, positive), log_loss(known.gold[judged], positive)


def table(known: LabelledSet, positive: Floats) -> Floats:
    """Confusion tables [conversations, 4] of the judged rows."""
    gold = known.gold[len(known.pool) :] > 0.5
    said = positive >= 0.5
    cell = np.select([said & gold, said, gold], [0, 1, 2], 3)
    count = int(known.conversation.max()) + 1
    counted = np.bincount(known.conversation * 4 + cell, minlength=4 * count)
    return counted.reshape(count, 4).astype(np.float64)


def log_loss(gold: Floats, positive: Floats) -> float:
    """Mean negative log-probability of the answers (nats)."""
    right = np.where(gold > 0.5, positive, 1 - positive)
    return float(-np.log(np.clip(right, _TINY, 1)).mean())


def _pool(known: LabelledSet, arm: str, left: Rows, taken: Rows, heads: Sequence[Head]) -> Pool:
    chances = np.full((1, len(left)), 0.5)
    if heads:
        members = zip(heads, known.features[arm], strict=False)
        chances = np.stack([head.positive(features[left]) for head, features in members])
    view = View(chances=np.stack([chances, 1 - chances], axis=-1), applies=np.ones(len(left)))
    return Pool(views=(view,), vectors=known.vectors[left], asked=known.vectors[taken])


Courses = Mapping[str, Sequence[Course]]
"""By strategy, one for each seed."""

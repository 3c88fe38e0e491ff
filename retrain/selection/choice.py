"""Which labels of a question to train on, and why the others are not: ranked, without near-duplicates, balanced. Pure.

What is chosen depends on the labels and the seed, not on the order in which the labels come.
"""

from dataclasses import dataclass

import numpy as np

from models.acquisition.pool import Rows
from models.ids import BurstId
from models.selection import Why
from retrain.selection.duplicates import repeated
from retrain.selection.losses import Losses
from retrain.selection.methods import ALL, METHODS
from retrain.selection.quotas import Balance, quotas


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to choose: ``method`` of METHODS; ``share`` (above 0, at most 1) of all labels, one at the least."""

    method: str = ALL
    share: float = 1.0
    drop_near_duplicates: bool = False
    balance: Balance = "rates"
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What became of n labels, in the order in which they came."""

    ids: tuple[BurstId, ...]
    why: tuple[Why, ...]

    @property
    def kept(self) -> tuple[BurstId, ...]:
        """The labels to train on."""
        return tuple(burst for burst, why in zip(self.ids, self.why, strict=True) if why is Why.KEPT)


def choose(losses: Losses, plan: Plan) -> Choice:
    """Choose the share of all labels that the plan asks for; fewer only where near-duplicates leave fewer.

    Raises KeyError for a method that is not in METHODS.
    """
    came = np.array(sorted(range(len(losses)), key=lambda i: losses.ids[i]), dtype=np.int64)
    sorted_ = losses.take(came)
    ranking = METHODS[plan.method](sorted_, np.random.default_rng([plan.seed, len(losses)]))
    twice = np.zeros(len(losses), dtype=np.bool_)
    if plan.drop_near_duplicates:
        twice = repeated(sorted_.vectors, sorted_.answer, ranking.order)
    there = ranking.order[~twice[ranking.order]]
    kept = set(_taken(sorted_, there, size(len(losses), plan.share), plan.balance).tolist())
    why: list[Why] = [Why.SHARE] * len(losses)
    for place, row in enumerate(came.tolist()):
        if place in kept:
            why[row] = Why.KEPT
        else:
            why[row] = Why.DUPLICATE if twice[place] else ranking.set_back.get(place, Why.SHARE)
    return Choice(ids=losses.ids, why=tuple(why))


def size(labels: int, share: float) -> int:
    """Labels in a share of so many: rounded, one at the least where there are any."""
    return min(labels, max(1, round(share * labels)))


def _taken(losses: Losses, there: Rows, count: int, balance: Balance) -> Rows:
    if balance == "none":
        return there[:count]
    options = np.arange(int(losses.answer.max(initial=-1)) + 1)
    counts = [np.array([(answer == o).sum() for o in options], dtype=np.int64) for answer in
              (losses.answer[there], losses.answer)]  # fmt: skip
    wanted = quotas(counts[0], counts[1], count, balance)
    parts = [there[losses.answer[there] == o][: wanted[o]] for o in options.tolist()]
    return np.concatenate([*parts, np.empty(0, dtype=np.int64)])

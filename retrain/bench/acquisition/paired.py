"""How much better asking by a strategy is than asking at random, on the same rows judged. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.acquisition.strategies import RANDOM
from models.metrics import Floats
from models.resample import draws, macro_f1_of
from retrain.bench.acquisition.lora import Reached

DRAWS = 2000
INTERVAL = (0.025, 0.975)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """Mean over seeds of a strategy's figure less random's, with its 95 % interval over conversations.

    Two seeds tell nothing about others: they are what they are.
    """

    strategy: str
    labels: int
    macro_f1: tuple[float, float, float]
    loss: tuple[float, float, float]


def ahead_of_random(found: Sequence[Reached]) -> list[Ahead]:
    """Compare every strategy with random at every number of labels, seed by seed; empty where random was not run."""
    told = []
    for strategy, labels in dict.fromkeys((r.strategy, r.labels) for r in found if r.strategy != RANDOM):
        mine = [r for r in found if (r.strategy, r.labels) == (strategy, labels)]
        by_chance = {r.seed: r for r in found if (r.strategy, r.labels) == (RANDOM, labels)}
        pairs = [(r, by_chance[r.seed]) for r in mine if r.seed in by_chance]
        if pairs:
            told.append(_ahead(strategy, labels, pairs))
    return told


def _ahead(strategy: str, labels: int, pairs: Sequence[tuple[Reached, Reached]]) -> Ahead:
    conversations = len(pairs[0][0].tables)
    times = np.ones((DRAWS + 1, conversations))  # the first row is the figure itself
    times[1:] = draws(conversations, DRAWS, np.random.default_rng(0))

    def f1(one: Reached) -> Floats:
        return macro_f1_of(np.einsum("dc,ck->dk", times, one.tables))

    def loss(one: Reached) -> Floats:
        found: Floats = (times @ one.losses) / (times @ one.tables.sum(axis=1))
        return found

    return Ahead(
        strategy=strategy,
        labels=labels,
        macro_f1=_interval(np.mean([f1(a) - f1(b) for a, b in pairs], axis=0)),
        loss=_interval(np.mean([loss(a) - loss(b) for a, b in pairs], axis=0)),
    )


def _interval(drawn: Floats) -> tuple[float, float, float]:
    low, high = np.quantile(drawn[1:], INTERVAL)
    return float(drawn[0]), float(low), float(high)

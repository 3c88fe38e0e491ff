"""How much probability a rung gives to the labels, at a temperature that was fitted on other conversations. Pure.

A rung may know much and sound unsure; a trend is about what a size knows. Fitting the temperature on the very rows that
it is judged on would flatter every rung by a little, the wildest most.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.metrics import Floats
from retrain.calibrate import fit_temperature
from retrain.judged import Judged, gold_log_probability

HALVES = 2


def halves(conversations: Sequence[str]) -> NDArray[np.int64]:
    """The half (0 or 1) of each row: whole conversations, dealt out by a hash of their names, as many to each half."""
    dealt = sorted(set(conversations), key=lambda name: hashlib.sha256(name.encode("utf-8", "replace")).digest())
    half = {name: place % HALVES for place, name in enumerate(dealt)}
    return np.array([half[name] for name in conversations], dtype=np.int64)


def temperatures(rows: Judged) -> tuple[float, ...]:
    """The temperature for each half, fitted on the other; 1 where the other is empty."""
    half = halves(rows.conversations)
    return tuple(
        fit_temperature(rows.scores[half != own], rows.gold[half != own], rows.weight[half != own])
        for own in range(HALVES)
    )


def gold_elsewhere(rows: Judged) -> Floats:
    """Log-probability (n,) of each label in nats, each half at the other half's temperature."""
    half = halves(rows.conversations)
    found = np.zeros(len(rows))
    for own, temperature in enumerate(temperatures(rows)):
        here = half == own
        found[here] = gold_log_probability(rows, temperature)[here]
    return found


def blocks(conversations: Sequence[str]) -> tuple[NDArray[np.int64], int]:
    """Number of each row's conversation (n,) by first appearance, and how many there are."""
    place = {name: i for i, name in enumerate(dict.fromkeys(conversations))}
    return np.array([place[name] for name in conversations], dtype=np.int64), len(place)


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocks:
    """The label's log-probability (nats) by conversation.

    Weighted ``sums`` (conversations, rungs), and the ``mass`` (conversations,) of weights behind them.
    """

    sums: Floats
    mass: Floats

    @property
    def means(self) -> Floats:
        """Weighted means (conversations, rungs)."""
        found: Floats = self.sums / self.mass[:, None]
        return found


def gold_blocks(ladder: Sequence[Judged]) -> Blocks:
    """Add up the labels' log-probabilities over rungs that judged the same items."""
    cluster, count = blocks(ladder[0].conversations)
    sums = [np.bincount(cluster, weights=rows.weight * gold_elsewhere(rows), minlength=count) for rows in ladder]
    mass: Floats = np.bincount(cluster, weights=ladder[0].weight, minlength=count).astype(np.float64)
    return Blocks(sums=np.stack(sums, axis=1), mass=mass)


def block_means(ladder: Sequence[Judged]) -> Floats:
    """Weighted mean of the label's log-probability by conversation and rung: (conversations, rungs)."""
    return gold_blocks(ladder).means

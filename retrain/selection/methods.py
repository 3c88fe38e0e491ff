"""Ways to rank labels by how much is to be learned from them, behind one protocol, in an explicit table."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from models.acquisition.pool import Rows
from models.metrics import Floats
from models.selection import Why
from retrain.selection.losses import Losses
from retrain.selection.scores import EASY, HARD, ifd, learnability


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """``order`` (n,): places, best first. What a method would drop stands last: ``set_back`` maps its place to why.

    So a share keeps its word: what was set back is trained on only where nothing else is left.
    """

    order: Rows
    set_back: Mapping[int, Why]


class Method(Protocol):
    """Ranks labels. Pure: chance comes from ``rng``, and decides ties."""

    def __call__(self, losses: Losses, rng: np.random.Generator) -> Ranking:
        """Rank all labels."""
        ...


def as_they_are(losses: Losses, rng: np.random.Generator) -> Ranking:  # noqa: ARG001 - of the protocol
    """In the order in which they stand."""
    return Ranking(order=np.arange(len(losses)), set_back={})


def by_chance(losses: Losses, rng: np.random.Generator) -> Ranking:
    """Each with the same chance."""
    return Ranking(order=rng.permutation(len(losses)), set_back={})


def least_sure(losses: Losses, rng: np.random.Generator) -> Ranking:
    """The smallest margins first: what a model tuned on other conversations is least sure of."""
    return _ranked(-losses.margin, {}, rng)


def learnable(losses: Losses, rng: np.random.Generator) -> Ranking:
    """The most learnable first (LoBaSS), after what both models find easy or hard was set back."""
    easy = (losses.base < EASY) & (losses.reference < EASY)
    hard = (losses.base > HARD) & (losses.reference > HARD)
    set_back = dict.fromkeys(np.flatnonzero(hard).tolist(), Why.HARD)
    set_back |= dict.fromkeys(np.flatnonzero(easy).tolist(), Why.EASY)
    return _ranked(learnability(losses), set_back, rng)


def instructive(losses: Losses, rng: np.random.Generator) -> Ranking:
    """The highest IFD first, after what is above 1 was set back."""
    score = ifd(losses)
    return _ranked(score, dict.fromkeys(np.flatnonzero(score > 1).tolist(), Why.MISLED), rng)


ALL, RANDOM, MARGIN, LEARNABILITY, IFD = "all", "random", "margin", "learnability", "ifd"
METHODS: Mapping[str, Method] = {
    ALL: as_they_are,
    RANDOM: by_chance,
    MARGIN: least_sure,
    LEARNABILITY: learnable,
    IFD: instructive,
}


def _ranked(score: Floats, set_back: Mapping[int, Why], rng: np.random.Generator) -> Ranking:
    late = np.zeros(len(score))
    late[list(set_back)] = 1.0
    return Ranking(order=np.lexsort((rng.random(len(score)), -score, late)), set_back=set_back)

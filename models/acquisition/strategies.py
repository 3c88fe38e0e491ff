"""Ways to choose what to ask about, behind one protocol, in an explicit table."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol

import numpy as np

from models.acquisition.pool import Floats, Pool, Vectors
from models.acquisition.scores import by_disagreement, by_entropy, by_margin, summed

SHORTLIST = 5
"""The mix looks for what is new among so many times as many unsure bursts as are asked for."""


Places = tuple[int, ...]


class Strategy(Protocol):
    """Chooses from a pool. Pure: chance comes from ``rng``, and decides ties."""

    def __call__(self, pool: Pool, count: int, rng: np.random.Generator) -> Places:
        """Pick ``count`` bursts, or all where the pool holds fewer: places in the pool, first choice first."""
        ...


def by_score(pool: Pool, count: int, rng: np.random.Generator, *, score: Callable[[Floats], Floats]) -> Places:
    """The highest scores."""
    order = np.lexsort((rng.random(len(pool)), -summed(pool, score)))
    return tuple(order[:count].tolist())


def diversity(pool: Pool, count: int, rng: np.random.Generator) -> Places:
    """What is farthest from all that was asked about and picked so far: greedy k-centre (Sener & Savarese 2018).

    Where nothing was asked about yet, it begins with the most typical burst.
    """
    return _k_centre(pool.vectors, pool.asked, count, rng)


def mixed(pool: Pool, count: int, rng: np.random.Generator) -> Places:
    """A shortlist of small margins, then what is newest among these."""
    shortlist = by_score(pool, count * SHORTLIST, rng, score=by_margin)
    picked = _k_centre(pool.vectors[list(shortlist)], pool.asked, count, rng)
    return tuple(shortlist[place] for place in picked)


def at_random(pool: Pool, count: int, rng: np.random.Generator) -> Places:
    """Each with the same chance."""
    return tuple(rng.permutation(len(pool))[:count].tolist())


MARGIN, ENTROPY, COMMITTEE, DIVERSITY, MIXED, RANDOM = (
    "margin", "entropy", "committee", "diversity", "mixed", "random",
)  # fmt: skip
STRATEGIES: Mapping[str, Strategy] = {
    MARGIN: partial(by_score, score=by_margin),
    ENTROPY: partial(by_score, score=by_entropy),
    COMMITTEE: partial(by_score, score=by_disagreement),
    DIVERSITY: diversity,
    MIXED: mixed,
    RANDOM: at_random,
}


def _k_centre(found: Vectors, centres: Vectors, count: int, rng: np.random.Generator) -> Places:
    """Greedy k-centre by cosine, with centres that are there already; ties by chance."""
    shuffled = rng.permutation(len(found))
    rows = found[shuffled]
    if not len(rows):
        return ()
    near = (rows @ centres.T).max(axis=1) if len(centres) else -(rows @ rows.mean(axis=0))
    picked: list[int] = []
    for _ in range(min(count, len(rows))):
        place = int(np.argmin(near))
        picked.append(int(shuffled[place]))
        if len(picked) == 1 and not len(centres):
            near = np.full(len(rows), -1.0, dtype=np.float32)
        near = np.maximum(near, rows @ rows[place])
        near[place] = np.inf
    return tuple(picked)

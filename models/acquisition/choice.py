"""From a pool to what is asked about: near-duplicates once, novelty while there are few labels, then the strategy."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.acquisition.ngrams import distinct
from models.acquisition.pool import Pool
from models.acquisition.strategies import DIVERSITY, RANDOM, STRATEGIES, Places


@dataclass(frozen=True, slots=True, kw_only=True)
class Picks:
    """Places in the pool, first choice first.

    ``probability``: the chance that each had to be picked from this pool; 1 where nothing was left to chance.
    """

    rows: Places
    probability: float = 1.0


def strategy_for(name: str, labels: int, cold_start: int) -> str:
    """The strategy in charge: diversity below ``cold_start`` labels, the named one from then on.

    What has learned nothing yet cannot say what it is unsure of. Chance stays chance.
    """
    return DIVERSITY if labels < cold_start and name != RANDOM else name


def choose(
    pool: Pool,
    count: int,
    name: str,
    rng: np.random.Generator,
    audited: Sequence[bool] = (),
    *,
    skip_alike: bool = True,
) -> Picks:
    """Pick ``count`` bursts by the strategy called ``name``; of near-duplicates only the first takes part.

    ``audited`` tells which bursts of the pool are labelled anyway: they are picked on their way, and do not count.
    Without ``skip_alike`` near-duplicates take part like others.
    """
    rows = distinct(pool.vectors, pool.asked) if skip_alike else np.arange(len(pool))
    free = np.asarray(audited, dtype=bool)[rows] if len(audited) else np.zeros(len(rows), dtype=bool)
    ranked = STRATEGIES[name](pool.take(rows), count + int(free.sum()), rng)
    kept: list[int] = []
    left = count
    for place in ranked:
        if left == 0:
            break
        kept.append(int(rows[place]))
        left -= not free[place]
    real = int((~free).sum())
    return Picks(rows=tuple(kept), probability=min(1.0, count / max(1, real)) if name == RANDOM else 1.0)

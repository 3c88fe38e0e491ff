"""Annotators who err more often than the others, told from out-of-fold consensus. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import poisson_binom

from models.metrics import Floats

ALPHA = 0.05
"""Chance that any honest annotator is called an outlier, over all annotators and both directions (Holm 1979)."""
LEAST_LABELS = 20
MORE = 0.03
"""An outlier errs in this share of labels beyond what is expected: with thousands of labels any room makes a gap."""
MOST = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How often one annotator gave one answer, ``against`` (1 yes, 0 no), beside what the consensus expects.

    ``labels`` are those that were compared, ``said`` of them had the answer, ``expected`` should have; ``p`` is the
    exact chance of as many, corrected; ``rate`` (0..0.9) estimates how many right labels of the other kind are turned
    into it, beyond what everybody does.
    """

    annotator: str
    against: int
    labels: int
    said: int
    expected: float
    p: float
    rate: float

    @property
    def outlier(self) -> bool:
        """Whether this is more than chance and more than a little."""
        return self.p < ALPHA and self.said - self.expected > MORE * self.labels


def tallies(given: Floats, chance: Floats, annotators: Sequence[Sequence[str]]) -> list[Tally]:
    """Compare everybody's answers with the consensus, in both directions, and correct for the number of tests (Holm).

    ``given`` (n,): 1 for a positive label; ``chance`` (n,): calibrated out-of-fold probability of a positive one;
    ``annotators``: n tuples of those who gave that label. Each row has a chance of its own, so the exact test is that
    of a Poisson binomial count, once over the rows where the consensus is the other way, which shows carelessness, and
    once over all, which shows a leaning where the consensus is unsure; twice the smaller chance counts. Whoever gave
    fewer than 20 labels is not judged. An outlier is set aside before the others are judged again: one who leans one
    way pulls the consensus with them, and makes all others look as if they leaned the other way.
    """
    mine = {
        name: np.array([name in row for row in annotators], dtype=np.bool_)
        for name in sorted({name for row in annotators for name in row})
    }
    aside: list[Tally] = []
    usual = np.ones(len(given), dtype=np.bool_)
    while mine:
        judged = [tally for name, rows in mine.items() for tally in _both_ways(name, rows, usual, given, chance)]
        judged = _holm(judged)
        first = next((tally for tally in judged if tally.outlier), None)
        if first is None:
            return aside + judged
        aside += [tally for tally in judged if tally.annotator == first.annotator]
        usual &= ~mine.pop(first.annotator)
    return aside


def _both_ways(
    name: str, mine: NDArray[np.bool_], usual: NDArray[np.bool_], given: Floats, chance: Floats
) -> list[Tally]:
    found: list[Tally] = []
    for against in (0, 1):
        likely = chance if against else 1 - chance
        tests = [
            _test(name, against, mine & where, usual & ~mine & where, given, likely)
            for where in (likely < 0.5, np.ones(len(given), dtype=np.bool_))
            if (mine & where).sum() >= LEAST_LABELS
        ]
        if tests:
            first = min(tests, key=lambda t: t.p)
            turned = max(t.said - t.expected for t in tests) / max(float((1 - likely)[mine].sum()), 1.0)
            found.append(replace(first, p=first.p * len(tests), rate=float(np.clip(turned, 0.0, MOST))))
    return found


def _test(
    name: str, against: int, mine: NDArray[np.bool_], others: NDArray[np.bool_], given: Floats, likely: Floats
) -> Tally:
    """Count one annotator's rows; where the others say it more often than expected too, that much more is expected."""
    stretch = 1.0
    if others.sum() >= LEAST_LABELS:
        stretch = max(1.0, float((given[others] == against).sum() / max(likely[others].sum(), 1e-9)))
    chances = np.minimum(likely[mine] * stretch, 1.0)
    said = int((given[mine] == against).sum())
    p = float(np.clip(poisson_binom.sf(said - 1, chances), 0.0, 1.0))
    return Tally(
        annotator=name,
        against=against,
        labels=int(mine.sum()),
        said=said,
        expected=float(chances.sum()),
        p=p,
        rate=0.0,
    )


def _holm(found: Sequence[Tally]) -> list[Tally]:
    ordered = sorted(found, key=lambda t: (t.p, t.annotator, t.against))
    corrected: list[Tally] = []
    floor = 0.0
    for place, tally in enumerate(ordered):
        floor = max(floor, min(1.0, tally.p * (len(ordered) - place)))
        corrected.append(replace(tally, p=floor))
    return corrected

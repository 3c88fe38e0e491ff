"""Annotators who err more often than the others, told from out-of-fold consensus. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from models.metrics import Floats

ALPHA = 0.05
"""Chance that any honest annotator is called an outlier, over all annotators and both directions (Holm)."""
LEAST_LABELS = 20
EXCESS = 1.5
"""An outlier disagrees at least so many times as often as expected: with thousands of labels any room makes a gap."""
MOST = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How often one annotator says ``against`` where the consensus is the other way.

    ``against`` is 1 for yes where the consensus is no, 0 for no where it is yes; ``labels`` those on that side,
    ``disagreed`` of them theirs against it, ``expected`` (0..1) the rate that the consensus itself expects or that the
    others have, whichever is higher; ``p`` the exact binomial chance of as many, corrected.
    """

    annotator: str
    against: int
    labels: int
    disagreed: int
    expected: float
    p: float

    @property
    def outlier(self) -> bool:
        """Whether this is more than chance and more than a little."""
        return self.p < ALPHA and self.disagreed > EXCESS * self.expected * self.labels

    @property
    def rate(self) -> float:
        """Share of labels on this side that are against the consensus, 0..1."""
        return self.disagreed / self.labels if self.labels else 0.0


def tallies(given: Floats, chance: Floats, annotators: Sequence[Sequence[str]]) -> list[Tally]:
    """Count disagreement by annotator and direction, and correct the exact tests for their number (Holm 1979).

    ``given`` (n,): 1 for a positive label; ``chance`` (n,): calibrated out-of-fold probability of the positive one;
    ``annotators``: n tuples of those who gave that label. Whoever gave fewer than 20 labels on a side is not judged.
    """
    rows = _rows(annotators)
    found: list[Tally] = []
    for against in (0, 1):
        side = (chance >= 0.5) != bool(against)
        disagree = side & (given == against)
        doubt = np.minimum(chance, 1 - chance)
        for name, mine in rows.items():
            here = mine & side
            labels, disagreed = int(here.sum()), int((here & disagree).sum())
            if labels < LEAST_LABELS:
                continue
            rest = side & ~mine
            others = float(disagree[rest].mean()) if rest.sum() >= LEAST_LABELS else 0.0
            expected = min(MOST, max(float(doubt[here].mean()), others))
            p = float(binomtest(disagreed, labels, expected, alternative="greater").pvalue)
            found.append(
                Tally(annotator=name, against=against, labels=labels, disagreed=disagreed, expected=expected, p=p)
            )
    return _holm(found)


def _rows(annotators: Sequence[Sequence[str]]) -> dict[str, NDArray[np.bool_]]:
    names = sorted({name for row in annotators for name in row})
    return {name: np.array([name in row for row in annotators], dtype=np.bool_) for name in names}


def _holm(found: Sequence[Tally]) -> list[Tally]:
    ordered = sorted(found, key=lambda t: (t.p, t.annotator, t.against))
    corrected: list[Tally] = []
    floor = 0.0
    for place, tally in enumerate(ordered):
        floor = max(floor, min(1.0, tally.p * (len(ordered) - place)))
        corrected.append(
            Tally(
                annotator=tally.annotator,
                against=tally.against,
                labels=tally.labels,
                disagreed=tally.disagreed,
                expected=tally.expected,
                p=floor,
            )
        )
    return corrected

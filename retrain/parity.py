"""Does the file that serves decide as the checkpoint that was trained? Pure: scores in, drift out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

BurstScores = Sequence[Sequence[float]]
"""One burst's option scores (nats) for every question."""


TIE = 0.01
"""Nats between two options below which the checkpoint itself has not decided; a change there is no flip."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """How far one file's option scores are from the checkpoint's (nats), and how many decisions differ."""

    mean: float
    largest: float
    flips: int
    decisions: int

    @property
    def flip_rate(self) -> float:
        """Share of decisions that differ."""
        return self.flips / self.decisions if self.decisions else 0.0


def compare(checkpoint: Sequence[BurstScores], file: Sequence[BurstScores]) -> Drift:
    """Compare the scores of the same bursts, question by question."""
    gaps: list[float] = []
    flips = 0
    for ours, theirs in zip(checkpoint, file, strict=True):
        for expected, found in zip(ours, theirs, strict=True):
            gaps.extend(np.abs(np.subtract(expected, found)).tolist())
            chosen = int(np.argmax(found))
            flips += max(expected) - expected[chosen] >= TIE
    return Drift(
        mean=float(np.mean(gaps)) if gaps else 0.0,
        largest=max(gaps, default=0.0),
        flips=flips,
        decisions=sum(len(scores) for scores in checkpoint),
    )

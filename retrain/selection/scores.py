"""Scores of labels from losses: learnability (LoBaSS) and instruction-following difficulty (IFD). Pure.

Both are read where they say something new only: ``emptiness`` tells where they order labels as one loss alone would.
"""

import numpy as np
from scipy.stats import rankdata

from models.metrics import Floats
from retrain.selection.losses import Losses

FLOOR = 1e-6
"""Least loss (nats) that is divided by."""
EASY = 0.05
"""Nats: both models give the label more than 95 %."""
HARD = 0.69
"""Nats: both models give the label less than even odds."""
SAME_ORDER = 0.98
"""Rank correlation from which two scores order labels alike."""
FLAT = 0.05
"""Nats: answers whose losses without a burst differ by less are alike likely to a model that sees nothing."""
LEAST_LABELS = 10


def learnability(losses: Losses) -> Floats:
    """(L_base - L_ref) / L_base of each label, at most 1: the part of its loss that tuning on others takes away."""
    base = np.maximum(losses.base, FLOOR)
    found: Floats = (base - losses.reference) / base
    return found


def ifd(losses: Losses) -> Floats:
    """s(A|Q) / s(A) of each label: the untuned loss with the burst over that without. Above 1 the burst misleads.

    A single letter among shuffled ones says nothing (s(A) is about log 3 for every label), so both are averaged over
    the orders of the options.
    """
    found: Floats = losses.untuned / np.maximum(losses.blank, FLOOR)
    return found


def emptiness(losses: Losses) -> tuple[str, ...]:
    """Sentences about scores that carry nothing of their own here; none where all do."""
    if len(losses) < LEAST_LABELS:
        return ()
    told = []
    spread = float(np.ptp(losses.blank))
    alike = rank_correlation(ifd(losses), losses.untuned)
    if spread < FLAT or alike >= SAME_ORDER:
        told.append(
            f"IFD carries nothing of its own: without a burst the answers' losses differ by {spread:.2f} nats, and it "
            f"orders labels as the untuned loss alone does (rank correlation {alike:.2f})"
        )
    alike = rank_correlation(learnability(losses), -losses.reference)
    if alike >= SAME_ORDER:
        told.append(
            f"learnability orders labels as a small tuned loss alone does (rank correlation {alike:.2f}): the untuned "
            "model tells them apart too little"
        )
    return tuple(told)


def rank_correlation(first: Floats, second: Floats) -> float:
    """Spearman's rank correlation; 1 where either is the same for all labels, so that it tells nothing new."""
    ranks = np.stack([rankdata(first), rankdata(second)])
    if np.ptp(ranks, axis=1).min() == 0:
        return 1.0
    return float(np.corrcoef(ranks)[0, 1])

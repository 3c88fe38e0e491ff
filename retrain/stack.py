"""Several predictors' out-of-fold probabilities made into one that means what it says. Pure.

A learner whose 0.9 is wrong as often as its 0.7 ranks labels badly: raw scores of a class-balanced learner found 55 of
100 planted errors where the same scores, fitted, found 66 (docs/experiments.md).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.metrics import Floats
from retrain.peer import fold_of

FOLDS = 5
LEAST_FOLDS = 2
RIDGE = 1.0
STEPS = 50
EDGE = 1e-6
TINY = 1e-10


def stacked(given: Floats, chances: Floats, conversations: Sequence[str], folds: int = FOLDS) -> Floats:
    """Probability (n,) that a label is positive, from the logits of ``chances`` (predictors, n) by logistic regression.

    ``given`` (n,) holds 1 for a positive label, 0 for a negative one. A label plays no part in the weights that it is
    judged by, nor does any other of its conversation. Where all others are alike, their own rate is given.
    """
    chances = np.clip(chances, EDGE, 1 - EDGE)
    logits = np.log(chances / (1 - chances))
    fold = _folds(conversations, folds)
    found = np.full(len(given), 0.5)
    for number in np.unique(fold):
        others, held = fold != number, fold == number
        known = given[others]
        if len(np.unique(known)) < 2:
            found[held] = (known.sum() + 1) / (len(known) + 2)
            continue
        centre, spread = logits[:, others].mean(axis=1), np.maximum(logits[:, others].std(axis=1), EDGE)
        rows = (logits - centre[:, None]) / spread[:, None]
        weights = _fit(rows[:, others], known)
        found[held] = _sigmoid(weights[0] + weights[1:] @ rows[:, held])
    return found


def _folds(conversations: Sequence[str], folds: int) -> NDArray[np.int64]:
    """The fold (n,) of each conversation by its hash, so that it is the same in every run.

    Rows that were set aside by that very hash (``quandary bench set-aside``) are all in one fold: dealt out instead.
    """
    hashed = {name: fold_of(name, folds) for name in conversations}
    if len(set(hashed.values())) < LEAST_FOLDS:
        hashed = {name: place % folds for place, name in enumerate(sorted(hashed))}
    return np.array([hashed[name] for name in conversations], dtype=np.int64)


def _fit(rows: Floats, given: Floats) -> Floats:
    """Logistic regression by Newton's method: (1 + predictors,) weights, the first one free of the ridge."""
    design = np.vstack([np.ones(rows.shape[1]), rows])
    penalty = np.diag([EDGE, *np.full(len(rows), RIDGE)])
    weights = np.zeros(len(design))
    for _ in range(STEPS):
        chance = _sigmoid(weights @ design)
        slope = design @ (given - chance) - penalty @ weights
        bend = (design * (chance * (1 - chance))) @ design.T + penalty
        step = np.linalg.solve(bend, slope)
        weights = weights + step * min(1.0, 4.0 / max(float(np.abs(step).max()), EDGE))
        if float(np.abs(step).max()) < TINY:
            break
    return weights


def _sigmoid(values: Floats) -> Floats:
    chance: Floats = 1 / (1 + np.exp(-np.clip(values, -30, 30)))
    return chance

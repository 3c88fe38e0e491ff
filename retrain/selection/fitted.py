"""Predictions made to mean what they say, before losses are compared. Pure.

An untuned model that gives every label the same wrong odds has large losses for one answer and small ones for another,
and a tuned one is too sure of itself; either would be taken for something to learn (docs/experiments.md).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from models.metrics import Floats
from retrain.peer import fold_of

FOLDS = 5
RIDGE = 1.0
"""Of the squares of the weights, beside the sum of all losses."""
LEAST = 20
"""With fewer labels of other conversations nothing is fitted."""


def fitted(logs: Floats, answer: NDArray[np.int64], conversations: Sequence[str]) -> Floats:
    """Log-probabilities (n, k) with one slope and a bias for each option, fitted out of fold by conversation.

    ``logs`` (n, k) are log-probabilities in nats. The slope makes up for too little or too much certainty, the biases
    for options that are preferred whatever the burst says (vector scaling: Guo et al. 2017). A label plays no part in
    the weights that it is judged by, nor does any other of its conversation.
    """
    fold = np.array([fold_of(name, FOLDS) for name in conversations], dtype=np.int64)
    found = _normalised(logs)
    for number in np.unique(fold):
        others, held = fold != number, fold == number
        if others.sum() >= LEAST:
            weights = _fit(logs[others], answer[others])
            found[held] = _normalised(_scaled(weights, logs[held]))
    return found


def _fit(logs: Floats, answer: NDArray[np.int64]) -> Floats:
    """Slope and biases (1 + k,); what is fitted starts from the predictions as they are, and leans on them."""
    start = np.array([1.0, *np.zeros(logs.shape[1])])
    right = np.zeros(logs.shape)
    right[np.arange(len(answer)), answer] = 1.0

    def loss(weights: Floats) -> tuple[float, Floats]:
        said = _normalised(_scaled(weights, logs))
        wrong = np.exp(said) - right
        off = weights - start
        slope = np.array([float((wrong * logs).sum()), *wrong.sum(axis=0)]) + 2 * RIDGE * off
        return float(-(said * right).sum() + RIDGE * (off**2).sum()), slope

    best: Floats = minimize(loss, start, jac=True, method="L-BFGS-B").x
    return best


def _scaled(weights: Floats, logs: Floats) -> Floats:
    found: Floats = weights[0] * logs + weights[1:]
    return found


def _normalised(logs: Floats) -> Floats:
    top = logs.max(axis=1, keepdims=True, initial=-np.inf)
    found: Floats = logs - top - np.log(np.exp(logs - top).sum(axis=1, keepdims=True))
    return found

"""A logistic regression on fixed features: the cheap stand-in for a training, where thousands of them are compared."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import TruncatedSVD
from sklearn.linear_model import LogisticRegression

from models.metrics import Floats

STRENGTH = 4.0
"""Inverse of the L2 penalty: the cheap learner's, the same for every strategy and number of labels."""
ITERATIONS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A fitted head: ``weights`` [d] and ``bias``, in log-odds of the positive answer."""

    weights: Floats
    bias: float

    def positive(self, features: Floats) -> Floats:
        """Probabilities [n] of the positive answer for features [n, d]."""
        found: Floats = 1.0 / (1.0 + np.exp(-np.clip(features @ self.weights + self.bias, -30, 30)))
        return found


def fit_head(features: Floats, gold: Floats) -> Head:
    """Fit on features [n, d] and answers [n] (1 is positive), both answers counting alike in sum.

    So whoever asks at random does not lose for a rare answer alone. Answers of one kind give their smoothed rate.
    """
    if len(np.unique(gold)) < 2:
        rate = (float(gold.sum()) + 1) / (len(gold) + 2)
        return Head(weights=np.zeros(features.shape[1]), bias=float(np.log(rate / (1 - rate))))
    model = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=ITERATIONS, tol=1e-3).fit(features, gold)
    return Head(weights=model.coef_[0].astype(np.float64), bias=float(model.intercept_[0]))


def squeezed(vectors: NDArray[np.float32], width: int, seed: int) -> Floats:
    """Project rows [n, d] onto their ``width`` strongest directions (latent semantic analysis; no label is seen)."""
    most = min(width, min(vectors.shape) - 1)
    found: Floats = TruncatedSVD(n_components=most, random_state=seed).fit_transform(vectors).astype(np.float64)
    return found

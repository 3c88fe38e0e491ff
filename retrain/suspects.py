"""Which labels are probably wrong: out-of-fold predictions and who labelled in, a ranked list out. Pure.

Suspicion is the probability that a label is wrong, by Bayes' rule from two things: what the predictors, made to mean
what they say, hold likely for the burst; and how often a right answer becomes a wrong label, which is read off where
the predictors are surest, for there their own errors are rarest. An annotator who errs more than chance has a rate of
their own. (Known rates of wrong labels and a classifier's probabilities: Raykar et al. 2010.)
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.ids import BurstId
from models.metrics import Floats
from models.question import Question
from models.suspects import Reason, Weighed
from retrain.confident import confident_issues
from retrain.outliers import MOST, Tally, tallies
from retrain.stack import stacked

AGREED = 0.7
"""Upper rungs agree against a label where each of them, fitted, gives the other answer at least this."""
FOLDS = 5
"""Folds of the cheap learner."""
UPPER = 2
"""How many of the largest rungs have a say."""
SUREST = 0.2
"""Part of each side, the surest, on which wrong labels are counted."""
SHRINK = 20.0
"""A side's rate counts as much as both sides' together when so many labels stand behind it."""
RATE_MOST = 0.45


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinions:
    """One question's labels beside predictions by models that saw no label of the same conversation; n rows.

    ``given`` (n,): 1 for a positive label, 0 for a negative one (abstaining labels are left out); ``annotators``: who
    gave that label, where it is known; ``upper`` (rungs, n) and ``peer`` (n,): probability of the positive answer by
    the upper rungs and the cheap learner.
    """

    question: Question
    ids: tuple[BurstId, ...]
    conversations: tuple[str, ...]
    given: Floats
    annotators: tuple[tuple[str, ...], ...]
    upper: Floats
    peer: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighing:
    """All labels of a question, most suspect first, with the rates (0..1) of wrong labels and everybody's tally.

    ``rate_no`` is how often a burst whose right answer is positive is labelled negative; ``rate_yes`` the other way.
    """

    ranked: tuple[Weighed, ...]
    rate_no: float
    rate_yes: float
    tallies: tuple[Tally, ...]


def weigh(opinions: Opinions) -> Weighing:
    """Weigh every label of a question; the order of the rows plays no part."""
    order = sorted(range(len(opinions.ids)), key=lambda i: opinions.ids[i])
    given, names = opinions.given[order], [opinions.conversations[i] for i in order]
    upper = opinions.upper[:, order]
    chance = stacked(given, np.vstack([upper, opinions.peer[order][None]]), names)
    counted = tallies(given, chance, [opinions.annotators[i] for i in order])
    rate_no, rate_yes = noise_rates(given, chance)
    rates = _own_rates(counted, [opinions.annotators[i] for i in order], rate_no, rate_yes)
    wrong = suspicion(given, chance, (rate_no, rate_yes), rates)
    reasons = {
        Reason.RUNGS: _agreed(given, upper, names),
        Reason.CONFIDENT: confident_issues(given, chance),
        Reason.ANNOTATOR: _by_outliers(given, counted, [opinions.annotators[i] for i in order]),
    }
    question = opinions.question
    weighed = [
        Weighed(
            burst=opinions.ids[i],
            question=question.id,
            question_version=question.version,
            given=question.positive if given[row] else question.negatives[0],
            suspected=question.negatives[0] if given[row] else question.positive,
            suspicion=float(wrong[row]),
            reasons=tuple(reason for reason, holds in reasons.items() if holds[row]),
        )
        for row, i in enumerate(order)
    ]
    ranked = sorted(weighed, key=lambda w: (-w.suspicion, w.burst))
    return Weighing(ranked=tuple(ranked), rate_no=rate_no, rate_yes=rate_yes, tallies=tuple(counted))


def noise_rates(given: Floats, chance: Floats) -> tuple[float, float]:
    """How often labels are wrong (no for yes, yes for no), counted on the fifth of each side that is surest.

    A little too high, for not all of that are wrong labels; too few rows lean on both sides together.
    """
    counts: list[tuple[float, int]] = []
    for side in (1.0, 0.0):
        here = np.flatnonzero((chance >= 0.5) == bool(side))
        sure = np.abs(chance[here] - 0.5)
        edge = np.quantile(sure, 1 - SUREST) if len(here) else 0.0
        surest = here[sure >= edge]  # all of the same certainty or none: the order of rows tells nothing
        counts.append((float((given[surest] != side).sum()), len(surest)))
    both = (sum(c for c, _ in counts) + 0.5) / (sum(n for _, n in counts) + 1)
    no, yes = (min(RATE_MOST, (wrong + SHRINK * both) / (total + SHRINK)) for wrong, total in counts)
    return no, yes


def suspicion(
    given: Floats, chance: Floats, rates: tuple[float, float], own: tuple[Floats, Floats] | None = None
) -> Floats:
    """Probability (n,) that each label is wrong.

    ``chance`` (n,) is the probability that a *label* is positive, errors included; ``rates`` (no for yes, yes for no)
    take these out again. ``own`` are the rates (n,) of those who labelled each row, if they differ.
    """
    rate_no, rate_yes = rates
    right = np.clip((chance - rate_yes) / max(1 - rate_yes - rate_no, 1e-3), 1e-3, 1 - 1e-3)
    mine_no, mine_yes = own if own is not None else (np.full(len(given), rate_no), np.full(len(given), rate_yes))
    if_no = mine_no * right / (mine_no * right + (1 - mine_yes) * (1 - right))
    if_yes = mine_yes * (1 - right) / (mine_yes * (1 - right) + (1 - mine_no) * right)
    return np.where(given > 0.5, if_yes, if_no)


def _own_rates(
    counted: Sequence[Tally], annotators: Sequence[Sequence[str]], rate_no: float, rate_yes: float
) -> tuple[Floats, Floats]:
    """Rates (n,) by row: outliers have their own; a label that others gave too has the best of them."""
    usual = (rate_no, rate_yes)
    excess = {(t.annotator, t.against): min(MOST, usual[t.against] + t.rate) for t in counted if t.outlier}
    no, yes = (
        np.array([min((excess.get((name, side), rate) for name in row), default=rate) for row in annotators])
        for side, rate in enumerate(usual)
    )
    return no, yes


def _by_outliers(given: Floats, counted: Sequence[Tally], annotators: Sequence[Sequence[str]]) -> NDArray[np.bool_]:
    odd = {(t.annotator, t.against) for t in counted if t.outlier}
    return np.array(
        [
            bool(row) and all((name, int(label)) in odd for name in row)
            for label, row in zip(given, annotators, strict=True)
        ],
        dtype=np.bool_,
    )


def _agreed(given: Floats, upper: Floats, conversations: Sequence[str]) -> NDArray[np.bool_]:
    if not len(upper):
        return np.zeros(len(given), dtype=np.bool_)
    fitted = np.stack([stacked(given, rung[None], conversations) for rung in upper])
    against = np.where(given > 0.5, 1 - fitted, fitted)
    return np.asarray(np.all(against >= AGREED, axis=0), dtype=np.bool_)

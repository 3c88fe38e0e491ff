"""The losses of labels from a ladder's readings: its top rung untuned and cross-fitted, and a burst that says nothing.

A cycle has all of it but the empty burst already, so choosing what to train on costs one prompt.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from models.acquisition.ngrams import vectors
from models.ids import BurstId, QuestionId
from models.item import Item
from models.metrics import Floats
from retrain.checkpoint import load_base
from retrain.judged import gold_log_probability, log_probabilities
from retrain.ladder import Course, read
from retrain.scaling.ladder import Ladder
from retrain.selection.fitted import fitted
from retrain.selection.losses import Losses

Blank = Mapping[QuestionId, Sequence[float]]
"""Option scores (nats, averaged over the cyclic orders) for a burst without words in a chat without messages."""


def read_blank(base: str, like: Item, course: Course) -> Blank:
    """Score an empty burst with an untuned rung; raises ModelError where it cannot be loaded."""
    item = replace(like, burst=replace(like.burst, id=BurstId(""), text="", window=()))
    scores = read(load_base(base), [item], course, lambda *_: None, everything=True)
    return {question: found[item.burst.id] for question, found in scores.items()}


def losses_of(ladder: Ladder, items: Sequence[Item], blank: Sequence[float]) -> Losses:
    """What the top rung makes of one question's labels; ``blank`` are its scores for the empty burst.

    Labels without a cross-fitted score are left out: in sample, memorising would pass for learning.
    """
    trained = ladder.trained()
    base, tuned = trained.vanilla[-1], trained.tuned[-1]
    said = fitted(log_probabilities(base.scores, 1.0), base.gold, base.conversations)
    learnt = fitted(log_probabilities(tuned.scores, 1.0), tuned.gold, tuned.conversations)
    place = {burst: row for row, burst in enumerate(base.ids)}
    rows = np.array([place[burst] for burst in tuned.ids if burst in place], dtype=np.int64)
    there = np.array([burst in place for burst in tuned.ids], dtype=np.bool_)
    answer = base.gold[rows]
    text = {item.burst.id: item.burst.text for item in items}
    ids = tuple(base.ids[row] for row in rows.tolist())
    return Losses(
        ids=ids,
        answer=answer,
        base=-said[rows, answer],
        reference=-learnt[there, answer],
        untuned=-gold_log_probability(base)[rows],
        blank=-log_probabilities(np.array([blank], dtype=np.float64), 1.0)[0][answer],
        margin=margins(learnt[there]),
        vectors=vectors([text[burst] for burst in ids]),
    )


def margins(logs: Floats) -> Floats:
    """Gap (n,) between the two likeliest of k options; ``logs`` (n, k) are normalised log-probabilities."""
    ordered = np.sort(np.exp(logs), axis=1)
    gap: Floats = ordered[:, -1] - ordered[:, -2]
    return gap


def thinned_to(items: Sequence[Item], kept: Mapping[QuestionId, Sequence[BurstId]]) -> tuple[Item, ...]:
    """The items with the labels that were kept and no others; items without any are left out."""
    chosen = {question: frozenset(ids) for question, ids in kept.items()}
    found = []
    for item in items:
        answers = {q: o for q, o in item.answers.items() if item.burst.id in chosen.get(q, frozenset())}
        if answers:
            found.append(replace(item, answers=answers))
    return tuple(found)

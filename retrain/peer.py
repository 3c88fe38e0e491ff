"""The cheap learner: TF-IDF and logistic regression over a burst's words, trained in seconds on the same labels.

It is the peer of the benchmarks and the gate's cheap challenger: a model that it surely beats is not worth its keep.
It is fitted anew wherever it is needed and never stored; only its scores are kept, as evidence. The window is left out:
as words it made the learner worse on 6,000 labelled bursts (docs/experiments.md).
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_union

from models.ids import BurstId
from models.item import Item
from models.metrics import Floats, Scored, clusters, macro_f1
from models.prompt import chat_lines
from models.question import Question

Balance = Literal["plain", "balanced", "natural"]
"""How rows count: each once; each answer alike; or by weight, which is at natural rates."""

CHOICES: tuple[tuple[float, Balance], ...] = tuple(product((1.0, 4.0, 16.0), ("plain", "balanced", "natural")))
FOLDS = 3
"""Folds in which the settings are chosen, on the training rows alone."""
FEW = 200
"""With fewer rows a word or piece that was seen once may count."""
WORD = r"\w+|[^\w\s]"
"""A word, or a mark such as "?"."""
FLOOR = 1e-6
"""Probability of abstaining, which the learner never does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerSettings:
    """``strength``: inverse of the L2 penalty; ``balance``: how rows count."""

    strength: float = 4.0
    balance: Balance = "balanced"


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossFit:
    """Out-of-fold probabilities (n,) of the positive option for the rows of one question, and what they chose."""

    positive: Floats
    settings: PeerSettings


def labelled(question: Question, items: Sequence[Item]) -> list[Item]:
    """The items that have an answer to the question other than abstaining."""
    return [item for item in items if item.answers.get(question.id, question.abstain) != question.abstain]


def fold_of(conversation: str, folds: int) -> int:
    """The fold (0 to folds - 1) of a conversation: by hash, so that it is the same in every run and program."""
    return int(hashlib.sha256(conversation.encode("utf-8", "replace")).hexdigest(), 16) % folds


def peer_scores(question: Question, train: Sequence[Item], held: Sequence[Item]) -> Mapping[BurstId, Sequence[float]]:
    """Train on ``train`` with settings chosen there, and score ``held``: option log-probabilities (nats) by burst.

    Labels of one answer only, or none, give the labels' own rate everywhere.
    """
    rows = labelled(question, train)
    settings = cross_fit(question, rows, FOLDS).settings
    chance = _predict(question, rows, held, [settings])[0]
    return {item.burst.id: _log_probabilities(question, p) for item, p in zip(held, chance.tolist(), strict=True)}


def cross_fit(question: Question, rows: Sequence[Item], folds: int) -> CrossFit:
    """Score every row by a learner of other conversations, with the settings that do best so.

    Best is the mean of plain and natural-rate macro-F1 over all rows. No row abstains (see ``labelled``).
    """
    choices = [PeerSettings(strength=strength, balance=balance) for strength, balance in CHOICES]
    found = np.full((len(choices), len(rows)), 0.5)
    fold = np.array([fold_of(item.conversation, folds) for item in rows], dtype=np.int64)
    for number in np.unique(fold):
        held = np.flatnonzero(fold == number).tolist()
        others = [rows[i] for i in np.flatnonzero(fold != number).tolist()]
        found[:, held] = _predict(question, others, [rows[i] for i in held], choices)
    value = [_macro(question, rows, positive) for positive in found]
    best = int(np.argmax(value)) if rows else choices.index(PeerSettings())
    if len(np.unique(fold)) < 2:  # one fold trains on nothing, so nothing was compared
        best = choices.index(PeerSettings())
    return CrossFit(positive=found[best], settings=choices[best])


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """Rows (positions) to learn from and to score, and the features of both; labels play no part in them."""

    others: NDArray[np.int64]
    held: NDArray[np.int64]
    seen: Any
    unseen: Any


def folded(rows: Sequence[Item], folds: int) -> list[Fold]:
    """Turn texts into features once, by folds of whole conversations, for ``out_of_fold`` under several labellings."""
    fold = np.array([fold_of(item.conversation, folds) for item in rows], dtype=np.int64)
    cut = []
    for number in np.unique(fold):
        others, held = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        learnt = [rows[i] for i in others.tolist()]
        seen, unseen = _features(learnt, [rows[i] for i in held.tolist()]) if learnt else (None, None)
        cut.append(Fold(others=others, held=held, seen=seen, unseen=unseen))
    return cut


def out_of_fold(gold: Floats, cut: Sequence[Fold], strength: float = 1.0) -> Floats:
    """Score every row by a learner of the other folds: probability (n,) of the positive answer.

    ``gold`` (n,) holds 1 for a positive label, 0 for a negative one. Rows count once each, for scores that mean what
    they say; labels of one answer only, or none, give their own rate.
    """
    found = np.zeros(len(gold))
    for fold in cut:
        known = gold[fold.others]
        if len(np.unique(known)) < 2:
            found[fold.held] = (known.sum() + 1) / (len(known) + 2)
            continue
        model = LogisticRegression(C=strength, solver="liblinear", random_state=0).fit(fold.seen, known)
        found[fold.held] = model.predict_proba(fold.unseen)[:, 1]
    return found


def _predict(
    question: Question, train: Sequence[Item], held: Sequence[Item], choices: Sequence[PeerSettings]
) -> Floats:
    """Probabilities (choices, held) of the positive option; texts are turned into features once for all choices."""
    gold = _gold(question, train)
    if len(np.unique(gold)) < 2 or not held:
        rate = float((gold.sum() + 1) / (len(gold) + 2))
        return np.full((len(choices), len(held)), rate)
    seen, unseen = _features(train, held)
    return np.stack([_fitted(choice, seen, gold, train).predict_proba(unseen)[:, 1] for choice in choices])


def _features(train: Sequence[Item], held: Sequence[Item]) -> tuple[Any, Any]:
    least = 1 if len(train) < FEW else 2
    words = TfidfVectorizer(ngram_range=(1, 2), token_pattern=WORD, sublinear_tf=True, min_df=least)
    pieces = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, min_df=least)
    features = make_union(words, pieces)
    seen = features.fit_transform([_text(item) for item in train])
    return seen, features.transform([_text(item) for item in held])


def _fitted(settings: PeerSettings, seen: Any, gold: Floats, train: Sequence[Item]) -> LogisticRegression:
    natural = settings.balance == "natural"
    weight = np.array([item.weight if natural else 1.0 for item in train])
    model = LogisticRegression(
        C=settings.strength,
        class_weight="balanced" if settings.balance == "balanced" else None,
        solver="liblinear",
        random_state=0,
    )
    return model.fit(seen, gold, sample_weight=weight / weight.mean())


def _text(item: Item) -> str:
    """The burst as the language models read it, friendly names and all."""
    return chat_lines(item.burst.text, item.burst.sender, item.burst.window)[1].text


def _gold(question: Question, rows: Sequence[Item]) -> Floats:
    return np.array([item.answers[question.id] == question.positive for item in rows], dtype=np.float64)


def _macro(question: Question, rows: Sequence[Item], positive: Floats) -> float:
    columns = Scored(
        gold=_gold(question, rows),
        positive=positive,
        weight=np.ones(len(rows)),
        sure=np.zeros(len(rows)),
        cluster=clusters([item.conversation for item in rows]),
    )
    natural = Scored(
        gold=columns.gold,
        positive=positive,
        weight=np.array([item.weight for item in rows], dtype=np.float64),
        sure=columns.sure,
        cluster=columns.cluster,
    )
    return (macro_f1(columns) + macro_f1(natural)) / 2


def _log_probabilities(question: Question, positive: float) -> list[float]:
    """One option's log-probability each; the negative options share what is left."""
    rest = max((1 - positive) / len(question.negatives), FLOOR)
    chance = {question.positive: max(positive, FLOOR), **dict.fromkeys(question.negatives, rest)}
    return [math.log(chance.get(option.id, FLOOR)) for option in question.options]

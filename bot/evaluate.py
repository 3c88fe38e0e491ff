"""Scoring a decider on a labelled file."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from models.decider import Decider
from models.decision import Decision
from models.errors import InputError
from models.item import Item
from models.metrics import Scored, clusters, f1, interval, macro_f1, summary
from models.question import Question
from models.scoring import positive_probability

CONVERSATIONS_MIN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What ``quandary evaluate`` reports: figures, intervals over conversations, and how long it took."""

    question: str
    revision: str
    figures: dict[str, float | None]
    intervals: dict[str, tuple[float, float] | None]
    """95 % intervals; None over fewer than ``CONVERSATIONS_MIN`` conversations, which cannot stand for others."""
    left_out: int
    """Items whose label is the abstention: they count in no yes-or-no figure."""
    ms_per_item: float
    scored: Scored


def evaluate(
    items: Sequence[Item],
    question: Question,
    position: int,
    decider: Decider,
    *,
    seed: int = 0,
    advance: Callable[[], None] = lambda: None,
) -> Evaluation:
    """Decide every item that the question was labelled for; ``position`` is the question's place in config.toml.

    Raises InputError where no item has a yes-or-no label for the question.
    """
    labelled = [item for item in items if question.id in item.answers]
    kept = [item for item in labelled if item.answers[question.id] != question.abstain]
    if not kept:
        raise InputError(f"no row of the file has a label for {question.id}; is it the right --question?")
    decisions: list[Decision] = []
    began = time.perf_counter()
    for item in kept:
        decisions.append(decider.decide([item.burst])[0][position])
        advance()
    spent = time.perf_counter() - began
    scored = score(kept, decisions, question)
    rng = np.random.default_rng(seed)
    return Evaluation(
        question=question.id,
        revision=decider.revision,
        figures=summary(scored),
        intervals={name: _interval(metric, scored, rng) for name, metric in (("f1", f1), ("macro_f1", macro_f1))},
        left_out=len(labelled) - len(kept),
        ms_per_item=spent * 1000 / len(kept),
        scored=scored,
    )


def score(items: Sequence[Item], decisions: Sequence[Decision], question: Question) -> Scored:
    """Set labels beside decisions, as columns."""
    sides = {question.positive: 1.0, None: 0.0}
    return Scored(
        gold=np.array([item.answers[question.id] == question.positive for item in items], dtype=np.float64),
        positive=np.array([positive_probability(question, d.probabilities) for d in decisions]),
        weight=np.array([item.weight for item in items], dtype=np.float64),
        sure=np.array([sides.get(d.sure, -1.0) for d in decisions]),
        cluster=clusters([item.conversation for item in items]),
    )


def _interval(
    metric: Callable[[Scored], float], scored: Scored, rng: np.random.Generator
) -> tuple[float, float] | None:
    return interval(metric, scored, rng) if len(np.unique(scored.cluster)) >= CONVERSATIONS_MIN else None

"""A model must be as sure as it is right."""

import numpy as np
import pytest

from models.evidence import Outcome
from models.ids import BurstId
from models.settings import GateSettings
from retrain.checks.sureness import sureness_check
from retrain.judged import Judged
from tests.retrain.conftest import IS_QUESTION

GATE = GateSettings()


def said(probability: float, accuracy: float, count: int = 600) -> Judged:
    right = np.arange(count) % 100 < 100 * accuracy
    rest = (1 - probability) / 2
    scores = np.log(np.full((count, 3), rest))
    scores[:, 0] = np.log(probability)
    return Judged(
        question=IS_QUESTION,
        scores=scores,
        gold=np.where(right, 0, 1),
        weight=np.ones(count),
        conversations=tuple(f"c{i % 30}" for i in range(count)),
        ids=tuple(BurstId(f"b{i}") for i in range(count)),
    )


@pytest.mark.parametrize(
    ("probability", "accuracy", "outcome"),
    [(0.9, 0.9, Outcome.PASS), (0.99, 0.7, Outcome.FAIL), (0.5, 0.95, Outcome.PASS)],
)
def test_sureness_is_held_against_accuracy(probability, accuracy, outcome):
    told = sureness_check(said(probability, accuracy), 1.0, GATE, np.random.default_rng(0))
    assert told.outcome is outcome
    assert told.figures["gap"] == pytest.approx(probability - accuracy, abs=1e-6)


def test_the_temperature_counts():
    rows = said(0.99, 0.7)
    cooled = sureness_check(rows, 3.5, GATE, np.random.default_rng(0))
    assert cooled.figures["confidence"] < 0.8
    assert cooled.outcome is Outcome.PASS


def test_few_conversations_and_older_evidence_tell_nothing():
    few = said(0.9, 0.9)
    few = Judged(
        question=few.question,
        scores=few.scores,
        gold=few.gold,
        weight=few.weight,
        conversations=tuple("ab"[i % 2] for i in range(len(few))),
        ids=few.ids,
    )
    assert sureness_check(few, 1.0, GATE, np.random.default_rng(0)).outcome is Outcome.INCONCLUSIVE
    assert sureness_check(said(0.9, 0.9), None, GATE, np.random.default_rng(0)).outcome is Outcome.INCONCLUSIVE

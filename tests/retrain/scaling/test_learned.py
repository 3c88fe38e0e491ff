"""Tells rungs that learned something from those that did not."""

from dataclasses import replace

import numpy as np
import pytest

from retrain.scaling.learned import learned
from tests.retrain.ladders import made_rungs


def test_a_rung_that_points_to_the_labels_surely_learned() -> None:
    rng = np.random.default_rng(0)
    found = learned(made_rungs(rng, (1.5,), items=600)[0], 0.05, rng)
    assert found.sure
    assert 0 < found.low < found.gain < np.log(2)


def test_a_rung_that_knows_nothing_seldom_looks_as_if_it_did() -> None:
    rng = np.random.default_rng(1)
    found = [learned(made_rungs(rng, (0.0,), items=300)[0], 0.05, rng) for _ in range(40)]
    assert sum(one.sure for one in found) <= 2
    assert all(one.low <= one.gain for one in found)


def test_a_rung_that_is_surest_where_it_errs_did_not_learn_though_its_answers_beat_a_guess() -> None:
    rng = np.random.default_rng(2)
    rows = made_rungs(rng, (1.0,), items=1000)[0]
    towards = np.where(rows.gold == 0, 1.0, -1.0)
    odds = np.where(rng.random(1000) < 0.65, towards, -6 * towards)
    yes = -np.log1p(np.exp(-odds))
    found = learned(replace(rows, scores=np.stack([yes, yes - odds, np.full(1000, -8.0)], axis=1)), 0.05, rng)
    assert found.answers
    assert found.gain < 0
    assert not found.sure


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_labels_of_one_answer_or_none_teach_nothing(share: float) -> None:
    rng = np.random.default_rng(3)
    assert not learned(made_rungs(rng, (1.0,), items=300, share=share)[0], 0.05, rng).sure
    assert not learned(made_rungs(rng, (1.0,), items=0)[0], 0.05, rng).sure

import dataclasses

import numpy as np
import pytest

from models.metrics import f1, precision
from models.resample import draws
from retrain.judged import scored
from retrain.scaling.gold import gold_blocks
from retrain.scaling.slopes import GOLD, rank_effect, slopes
from tests.retrain.ladders import made_rungs

RISING = (0.4, 0.7, 1.0, 1.3)
SIZES = (1, 2, 4, 8)


def read(rungs, sizes=SIZES):
    gold = gold_blocks(rungs)
    times = draws(len(gold.mass), 400, np.random.default_rng(0))
    return slopes(rungs, sizes, gold, times), rank_effect(gold.means, times)


def test_a_rise_has_slopes_above_nothing_and_a_flat_ladder_has_not() -> None:
    found, (effect, (low, high)) = read(made_rungs(np.random.default_rng(0), RISING, items=600))
    assert set(found) == {"precision", "F1", "macro-F1", GOLD}
    for slope in found.values():
        assert slope.interval[0] < slope.per_doubling < slope.interval[1]
    assert found["F1"].interval[0] > 0
    assert found[GOLD].p_rise < 0.01
    assert 0 < low < effect < high <= 1
    flat, (effect, (low, high)) = read(made_rungs(np.random.default_rng(1), (0.8,) * 4, items=600))
    assert abs(flat["F1"].per_doubling) < found["F1"].interval[0]
    assert low < 0 < high


def test_the_figures_are_those_of_the_metrics_with_and_without_abstaining_labels() -> None:
    rungs = made_rungs(np.random.default_rng(2), RISING)
    gold = rungs[0].gold.copy()
    gold[[name == rungs[0].conversations[0] for name in rungs[0].conversations]] = 2
    for ladder in (rungs, tuple(dataclasses.replace(rows, gold=gold) for rows in rungs)):
        found, _ = read(ladder)
        assert found["F1"].values == pytest.approx([f1(scored(rows)) for rows in ladder])
        assert found["precision"].values == pytest.approx([precision(scored(rows)) for rows in ladder])


def test_reversed_slopes_and_effect_change_their_sign() -> None:
    rungs = made_rungs(np.random.default_rng(3), RISING)
    found, (effect, _) = read(rungs)
    turned, (other, _) = read(rungs[::-1])
    assert other == pytest.approx(-effect)
    for name, slope in found.items():
        assert turned[name].per_doubling == pytest.approx(-slope.per_doubling)


def test_a_ladder_twice_as_steep_in_size_has_half_the_slope() -> None:
    rungs = made_rungs(np.random.default_rng(3), RISING)
    found, wide = read(rungs)[0], read(rungs, (1, 4, 16, 64))[0]
    assert wide["F1"].per_doubling == pytest.approx(found["F1"].per_doubling / 2)
    assert wide["F1"].strict == found["F1"].strict


def test_a_rung_that_falls_out_is_named() -> None:
    rungs = made_rungs(np.random.default_rng(4), (0.5, 0.9, 0.1, 1.3, 1.6), items=800, conversations=40)
    found, _ = read(rungs, (1, 2, 4, 8, 16))
    assert found[GOLD].outlying == 2

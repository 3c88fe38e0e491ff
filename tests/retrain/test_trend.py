import numpy as np
import pytest
from scipy.stats import page_trend_test

from retrain.judged import scored
from retrain.scaling.gold import block_means
from retrain.trend import beats_baseline, better_smaller, majority, page_trend, rung_score
from tests.retrain.ladders import made_rungs

FLAT, RISING, FALLING = (0.8,) * 4, (0.6, 0.75, 0.9, 1.05), (1.2, 1.0, 0.8, 0.6)


def test_the_statistic_is_scipys() -> None:
    rungs = made_rungs(np.random.default_rng(0), RISING)
    trend = page_trend(rungs, 0.05)
    assert trend is not None
    means = block_means(rungs)
    assert means.shape == (25, 4)
    assert trend.p_rise == page_trend_test(means).pvalue
    assert trend.p_rise < 0.05 < trend.p_fall
    assert trend.z > 1.64


def test_the_level_is_kept_and_a_rise_is_seen() -> None:
    rng = np.random.default_rng(1)
    flat = [page_trend(made_rungs(rng, FLAT), 0.05) for _ in range(80)]
    rising = [page_trend(made_rungs(rng, RISING), 0.05) for _ in range(40)]
    assert np.mean([t.p_rise < 0.05 for t in flat if t]) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 80)
    assert np.mean([t.p_rise < 0.05 for t in rising if t]) >= 0.8
    assert np.mean([t.strict_rise for t in rising if t]) < 0.8, "the paper's rule rejects many good ladders"


def test_a_fall_is_seen() -> None:
    trend = page_trend(made_rungs(np.random.default_rng(2), FALLING), 0.05)
    assert trend is not None
    assert trend.p_fall < 0.05
    assert trend.missing is None


def test_too_little_says_nothing() -> None:
    rng = np.random.default_rng(0)
    assert page_trend(made_rungs(rng, (1.0, 1.0)), 0.05) is None
    assert page_trend(made_rungs(rng, RISING, conversations=2), 0.05) is None
    assert page_trend(made_rungs(rng, RISING, items=0), 0.05) is None


def test_a_weak_rise_says_how_many_labels_are_missing() -> None:
    rng = np.random.default_rng(3)
    trends = [page_trend(made_rungs(rng, (0.8, 0.83, 0.86, 0.89), items=60), 0.05) for _ in range(20)]
    weak = [t for t in trends if t and t.p_rise > 0.05 and t.z > 0.3]
    assert weak
    assert all(t.missing is not None and t.missing > 10 for t in weak)


def test_rung_scores_have_intervals_around_them() -> None:
    rng = np.random.default_rng(4)
    rows = made_rungs(rng, (1.0,))[0]
    score = rung_score("tiny", 1000, rows, rng)
    assert score.macro_f1_interval[0] < score.macro_f1 < score.macro_f1_interval[1]
    assert score.gold_interval[0] < score.gold < score.gold_interval[1]
    assert score.items == 200
    empty = rung_score("tiny", 1000, made_rungs(rng, (1.0,), items=0)[0], rng)
    assert empty.items == 0


@pytest.mark.parametrize("share", [0.2, 0.5])
def test_only_what_knows_something_beats_the_majority(share: float) -> None:
    rng = np.random.default_rng(5)
    assert beats_baseline(made_rungs(rng, (1.5,), share=share)[0], 0.05, rng)
    lucky = sum(beats_baseline(made_rungs(rng, (0.0,), share=share)[0], 0.05, rng) for _ in range(20))
    assert lucky <= 3
    assert not beats_baseline(made_rungs(rng, (1.0,), items=0)[0], 0.05, rng)
    assert majority(scored(made_rungs(rng, (1.0,), share=share)[0])) <= 0.5


def test_a_top_rung_that_falls_off_is_seen_and_a_sound_ladder_is_left_alone() -> None:
    rng = np.random.default_rng(6)
    assert better_smaller(block_means(made_rungs(rng, (0.4, 1.4, 0.5), items=400)), 0.05) == 1
    sound = [
        better_smaller(block_means(made_rungs(rng, strengths)), 0.05) for strengths in (RISING, FLAT) for _ in range(40)
    ]
    assert sum(place is not None for place in sound) <= 7, "80 ladders at a level of 5 %"
    same = made_rungs(rng, (1.0,))
    assert better_smaller(block_means(same * 3), 0.05) is None
    assert better_smaller(block_means(same), 0.05) is None
    assert better_smaller(block_means(made_rungs(rng, RISING, items=0)), 0.05) is None

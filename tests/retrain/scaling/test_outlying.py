import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import isotonic_regression

from retrain.scaling.outlying import isotonic, outlying_in_draws, outlying_in_table, outside
from tests.retrain.scaling.tables import PRECISION, SIZES, TUNED_F1, VANILLA_F1

PARAMETERS = list(SIZES.values())
LADDERS = st.lists(st.floats(-10, 10), min_size=2, max_size=8)


@given(LADDERS)
@settings(max_examples=60, deadline=None)
def test_the_curve_is_scipys(values: list[float]) -> None:
    assert isotonic(np.array(values)) == pytest.approx(isotonic_regression(values).x, abs=1e-9)


@given(LADDERS, st.integers(0, 7))
@settings(max_examples=60, deadline=None)
def test_in_a_rising_ladder_nothing_is_outside(values: list[float], place: int) -> None:
    rising = np.sort(np.array(values))
    assert outside(rising, place % len(values)) == 0.0


def test_the_papers_4b_is_named_and_no_other() -> None:
    assert outlying_in_table(PARAMETERS, TUNED_F1) == 2
    assert outlying_in_table(PARAMETERS, VANILLA_F1) is None
    assert outlying_in_table(PARAMETERS, PRECISION) is None


def test_the_scale_of_the_figure_plays_no_part() -> None:
    for scale, shift in ((0.01, 0.0), (-0.01, 1.0), (5.0, -300.0)):
        values = [scale * v + shift for v in TUNED_F1]
        assert outlying_in_table(PARAMETERS, values) == (2 if scale > 0 else None)


@pytest.mark.parametrize(("scatter", "most"), [(0.5, 0.01), (1.0, 0.02), (2.0, 0.06)])
def test_sound_ladders_are_seldom_blamed(scatter: float, most: float) -> None:
    rng = np.random.default_rng(0)
    line = 50 + 2 * np.arange(6)
    named = [outlying_in_table(PARAMETERS, line + rng.normal(0, scatter, 6)) for _ in range(500)]
    assert np.mean([place is not None for place in named]) <= most


def test_four_rungs_of_a_table_are_too_few() -> None:
    assert outlying_in_table(PARAMETERS[:4], (1.0, 2.0, -50.0, 4.0)) is None


def test_with_draws_a_sure_dip_is_named_and_an_unsure_one_is_not() -> None:
    rng = np.random.default_rng(0)
    seen = np.array([0.60, 0.70, 0.55, 0.80, 0.85])
    assert outlying_in_draws(seen, seen + rng.normal(0, 0.02, (500, 5))) == 2
    assert outlying_in_draws(seen, seen + rng.normal(0, 0.2, (500, 5))) is None
    bump = np.array([0.60, 0.95, 0.70, 0.75, 0.80])
    assert outlying_in_draws(bump, bump + rng.normal(0, 0.02, (500, 5))) == 1
    falling = seen[[4, 3, 1, 0, 2]]
    assert outlying_in_draws(falling, falling + rng.normal(0, 0.01, (500, 5))) is None
    assert outlying_in_draws(seen[:3], seen[:3] + rng.normal(0, 0.01, (500, 3))) is None

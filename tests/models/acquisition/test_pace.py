from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from models.acquisition.pace import allowance, day_of

MIDNIGHT = datetime(2026, 1, 5, tzinfo=UTC)


def test_a_tenth_at_once_and_the_rest_over_the_day():
    assert allowance(100, 0, MIDNIGHT, paced=True) == 10
    assert allowance(100, 0, MIDNIGHT + timedelta(hours=12), paced=True) == 55
    assert allowance(100, 40, MIDNIGHT + timedelta(hours=12), paced=True) == 15
    assert allowance(100, 0, MIDNIGHT, paced=False) == 100
    assert allowance(1, 0, MIDNIGHT, paced=True) == 1


@given(st.integers(0, 500), st.lists(st.integers(0, 86_399), max_size=50), st.booleans())
def test_whoever_spends_what_is_allowed_never_exceeds_the_budget(budget, seconds, paced):
    spent = 0
    for second in sorted(seconds):
        spent += allowance(budget, spent, MIDNIGHT + timedelta(seconds=second), paced=paced)
        assert spent <= budget
    assert allowance(budget, spent, MIDNIGHT + timedelta(seconds=86_399.9), paced=True) == budget - spent


def test_days_begin_at_midnight():
    assert day_of(MIDNIGHT + timedelta(hours=23, seconds=1)) == MIDNIGHT

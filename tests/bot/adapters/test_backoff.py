import random

from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.backoff import Backoff


@given(st.floats(0.001, 10), st.floats(10, 1000), st.integers(0, 2**32), st.integers(1, 200), st.floats(0, 2000))
def test_waits_double_up_to_the_limit_and_half_of_each_is_drawn(base_s, max_s, seed, tries, at_least_s):
    backoff = Backoff(random.Random(seed), base_s=base_s, max_s=max_s)
    for number in range(tries):
        whole = min(max_s, base_s * 2.0**number)
        assert whole / 2 <= backoff.failed() <= whole
    assert at_least_s <= backoff.failed(at_least_s) <= max(at_least_s, max_s)


def test_after_a_success_waits_are_short_again():
    backoff = Backoff(random.Random(1), base_s=1.0, max_s=60.0)
    assert [backoff.failed() for _ in range(5)][-1] > 4
    backoff.worked()
    assert backoff.failed() <= 1.0


def test_two_clients_do_not_wait_alike():
    one, other = Backoff(random.Random(1)), Backoff(random.Random(2))
    assert [one.failed() for _ in range(4)] != [other.failed() for _ in range(4)]

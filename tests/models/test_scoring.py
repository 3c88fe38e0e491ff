import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.prompt import cyclic
from models.scoring import average_orders, distribution, log_softmax, margin, positive_probability

LOGITS = st.lists(st.floats(min_value=-30, max_value=30), min_size=3, max_size=3)


@given(LOGITS)
def test_log_softmax_sums_to_one(logits: list[float]) -> None:
    assert math.isclose(sum(math.exp(x) for x in log_softmax(logits)), 1.0, rel_tol=1e-9)


@given(st.lists(LOGITS, min_size=3, max_size=3), st.permutations([0, 1, 2]))
def test_the_order_of_the_branches_does_not_matter(rows: list[list[float]], shuffle: list[int]) -> None:
    orders = cyclic(3)
    one = average_orders(rows, orders)
    other = average_orders([rows[i] for i in shuffle], [orders[i] for i in shuffle])
    assert one == pytest.approx(other)


def test_a_pure_position_bias_cancels_out(questions) -> None:
    biased = [[5.0, 1.0, 0.0]] * 3  # whatever the option: the first letter is liked
    found = distribution(questions[0], average_orders(biased, cyclic(3)))
    assert list(found.values()) == pytest.approx([1 / 3] * 3)


@given(LOGITS, st.floats(min_value=0.2, max_value=5))
def test_a_temperature_keeps_the_order_of_options(scores: list[float], temperature: float) -> None:
    question = _question()
    plain, warm = distribution(question, scores), distribution(question, scores, temperature)
    assert math.isclose(sum(warm.values()), 1.0, rel_tol=1e-9)
    assert sorted(plain, key=lambda o: scores[question.index(o)]) == sorted(
        warm, key=lambda o: scores[question.index(o)]
    )
    assert 0 <= margin(warm) <= 1


def test_abstaining_is_left_out_of_the_positive_probability(questions) -> None:
    assert positive_probability(questions[0], {"yes": 0.3, "no": 0.1, "unsure": 0.6}) == pytest.approx(0.75)


def _question():
    from pathlib import Path

    from models.settings import load_settings

    return load_settings(Path(__file__).parents[2] / "config.toml").questions[0]


@given(st.lists(LOGITS, min_size=3, max_size=3), st.permutations([0, 1, 2]))
def test_naming_the_options_in_another_order_renames_the_scores(rows: list[list[float]], naming: list[int]) -> None:
    """Letters read the same, options listed differently: each option keeps its score."""
    orders = cyclic(3)
    renamed = [tuple(naming[option] for option in order) for order in orders]
    plain, other = average_orders(rows, orders), average_orders(rows, renamed)
    assert [other[naming[option]] for option in range(3)] == pytest.approx(plain)


@given(LOGITS, st.lists(st.floats(min_value=-8, max_value=8), min_size=3, max_size=3))
def test_any_liking_for_letters_cancels_out(scores: list[float], liking: list[float]) -> None:
    """What a letter adds in its place, whatever stands there, is added to all options alike over the cyclic orders."""
    orders = cyclic(3)
    plain = average_orders([[scores[o] for o in order] for order in orders], orders)
    biased = average_orders([[scores[o] + liking[place] for place, o in enumerate(order)] for order in orders], orders)
    gaps = [(a - b) - (biased[0] - biased[i]) for i, (a, b) in enumerate(zip([plain[0]] * 3, plain, strict=True))]
    assert gaps == pytest.approx([0.0] * 3, abs=1e-6)

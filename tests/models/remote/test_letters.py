"""Reading letters from a server's list of likely tokens."""

import math

import pytest
from fake_server import chat, completion
from hypothesis import given
from hypothesis import strategies as st

from models.remote.letters import Unreadable, letter_scores, top_tokens

TOP = {"A": math.log(0.5), "B": math.log(0.3), "x": math.log(0.1)}


@pytest.mark.parametrize("form", [completion, chat])
def test_both_forms_are_read(form) -> None:
    assert top_tokens(form(TOP)) == pytest.approx(TOP)


def test_a_missing_letter_is_as_likely_as_it_can_be_and_no_more() -> None:
    assert letter_scores(TOP, 3) == pytest.approx([math.log(0.5), math.log(0.3), math.log(0.1)])
    assert letter_scores({"A": math.log(0.9), "x": math.log(0.08)}, 2)[1] == pytest.approx(math.log(0.02))
    assert letter_scores({"A": 0.0}, 2)[1] < math.log(1e-9)


def test_a_letter_with_a_space_before_it_counts_only_where_the_bare_one_is_missing() -> None:
    assert letter_scores({"A": -1.0, " A": -0.1, "▁B": -2.0, "AB": -0.5}, 2) == [-1.0, -2.0]


@given(st.dictionaries(st.sampled_from("ABCDxyz"), st.floats(0.001, 1.0), min_size=1), st.integers(2, 4))
def test_no_letter_is_more_likely_than_what_is_not_listed_allows(shares: dict[str, float], count: int) -> None:
    total = sum(shares.values()) * 1.1
    top = {token: math.log(share / total) for token, share in shares.items()}
    letters = "ABCD"[:count]
    if not set(letters) & set(top):
        with pytest.raises(Unreadable, match="letter"):
            letter_scores(top, count)
        return
    for letter, nats in zip(letters, letter_scores(top, count), strict=True):
        assert nats == top.get(letter, nats)
        if letter not in top:
            assert nats <= min(top.values())
            assert math.exp(nats) <= 1 - sum(map(math.exp, top.values())) + 1e-9


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {"choices": []},
        {"choices": [{"text": "A"}]},
        {"choices": [{"text": "A", "logprobs": None}]},
        {"choices": [{"logprobs": {"top_logprobs": [None]}}]},
        {"choices": [{"logprobs": {"content": [{"token": "A"}]}}]},
        completion({"A": "likely"}),
        completion({"A": math.nan}),
        completion({"A": -math.inf}),
        completion({"A": 0.5}),
        completion({"A": True}),
    ],
)
def test_what_holds_no_log_probabilities_is_refused(body) -> None:
    with pytest.raises(Unreadable):
        top_tokens(body)

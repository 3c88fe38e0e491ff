import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling.server.text_query import TextMatch, fold, text_match


def test_what_holds_no_word_matches_nothing() -> None:
    assert text_match('"" - * ^ () |') is None


@pytest.mark.parametrize(
    ("query", "expression"),
    [
        ("two words", '("two") AND ("words")'),
        ('"a phrase" pre*', '("a phrase") AND ("pre"*)'),
        ("a | b c", '("a" OR "b") AND ("c")'),
        ("a|b", '("a" OR "b")'),
        ("| a |", '("a")'),
        ("a -b -c", '(("a")) NOT ("b" OR "c")'),
        ("Ｗｉｄｅ 你好", '("wide") AND ("你  好")'),
    ],
)
def test_queries(query: str, expression: str) -> None:
    assert text_match(query) == TextMatch(expression=expression)


def test_only_forbidden_words_ask_for_the_rest() -> None:
    assert text_match("-a -b") == TextMatch(expression='("a" OR "b")', negated=True)


@given(st.text(max_size=30))
def test_folding_twice_changes_no_word(text: str) -> None:
    assert fold(fold(text)).split() == fold(text).split()

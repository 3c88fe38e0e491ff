import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.acquisition.ngrams import ALIKE, distinct, vectors

NONE = vectors([])


def likeness(one, other):
    a, b = vectors([one, other])
    return float(a @ b)


def test_case_spaces_and_width_make_no_other_text():
    assert likeness("Any ideas?", "any   IDEAS?") > 0.999
    assert likeness("ａｎｙ ideas", "any ideas") > 0.999


def test_a_word_more_makes_a_short_text_another_and_a_mark_does_not_make_a_long_one():
    assert likeness("any ideas?", "any better ideas?") < ALIKE
    assert (
        likeness("is there any way to make windows stack on 13.10", "is there any way to make windows stack on 13.10??")
        > ALIKE
    )
    assert likeness("你好吗", "你们好吗") < ALIKE
    assert likeness("text 11", "text 12") < ALIKE


@given(st.text(max_size=60))
def test_rows_have_length_1_unless_there_is_nothing_to_see(text):
    [row] = vectors([text])
    length = float(np.linalg.norm(row))
    assert length == 0.0 if not "".join(text.split()) else abs(length - 1) < 1e-5


@given(st.lists(st.sampled_from(["a b c", "A B C", "wholly other", "", "wholly  other"]), max_size=8))
def test_of_each_kind_the_first_is_kept(texts):
    kept = distinct(vectors(texts), NONE).tolist()
    seen, expected = set(), []
    for place, text in enumerate(texts):
        key = " ".join(text.casefold().split())
        if key not in seen or not key:
            expected.append(place)
        seen.add(key)
    assert kept == expected


def test_what_was_asked_about_is_left_out():
    assert distinct(vectors(["any ideas?", "new"]), vectors(["Any ideas?"])).tolist() == [1]

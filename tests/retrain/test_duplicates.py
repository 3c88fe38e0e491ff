from hypothesis import given, settings
from hypothesis import strategies as st

from models.acquisition.ngrams import ALIKE, fold, grams
from retrain.duplicates import LEAST_LETTERS, Copies, copies, telling

LATIN = st.text("abcdefghijk ?.", min_size=0, max_size=60)
OTHER = st.text("опрстуфхцчшщ 你好吗什么怎", min_size=0, max_size=60)
LONG = st.text("abcdefghijk", min_size=LEAST_LETTERS, max_size=80)
LONG_OTHER = st.text("опрстуфхцчшщ", min_size=LEAST_LETTERS, max_size=80)


def mirrored(found: Copies) -> Copies:
    return Copies(exact=found.exact_there, near=found.near_there, exact_there=found.exact, near_there=found.near)


def cosine(a: str, b: str) -> float:
    ours, theirs = set(grams(fold(a, None)).tolist()), set(grams(fold(b, None)).tolist())
    return len(ours & theirs) / (len(ours) * len(theirs)) ** 0.5


@settings(max_examples=80, deadline=None)
@given(st.lists(LATIN, max_size=8), st.lists(LATIN, max_size=8), st.randoms(use_true_random=False))
def test_sides_may_be_swapped_and_texts_come_in_any_order(here, there, rng) -> None:
    found = copies(here, there)
    assert copies(there, here) == mirrored(found)
    places = list(range(len(here)))
    rng.shuffle(places)
    again = copies([here[p] for p in places], there)
    assert sorted(places[p] for p in again.exact) == list(found.exact)
    assert sorted(places[p] for p in again.near) == list(found.near)


@settings(max_examples=80, deadline=None)
@given(st.lists(LATIN, max_size=8), st.lists(LATIN, max_size=8), LONG, st.data())
def test_a_planted_copy_is_always_found(here, there, text, draw) -> None:
    odd = draw.draw(st.sampled_from([text, text.upper(), f"  {text}\n", text.replace("a", "\uff41")]))
    at, place = draw.draw(st.integers(0, len(here))), draw.draw(st.integers(0, len(there)))
    found = copies([*here[:at], text, *here[at:]], [*there[:place], odd, *there[place:]])
    assert at in found.exact
    assert place in found.exact_there


@settings(max_examples=80, deadline=None)
@given(st.lists(st.one_of(LATIN, LONG), max_size=8), LONG, st.data())
def test_what_is_near_is_found_whatever_else_there_is_and_only_that(others, text, draw) -> None:
    at = draw.draw(st.integers(0, len(text)))
    changed = text[:at] + draw.draw(st.sampled_from("abcxyz")) + text[at:]
    found = copies([text], [*others, changed])
    like = {n for n, other in enumerate([*others, changed]) if telling(fold(other)) and cosine(text, other) >= ALIKE}
    assert set(found.exact_there) | set(found.near_there) == like


@settings(max_examples=50, deadline=None)
@given(st.lists(LATIN, max_size=10), st.lists(OTHER, max_size=10), LONG, LONG_OTHER)
def test_vocabularies_without_a_common_letter_never_meet(here, there, mine, yours) -> None:
    assert telling(fold(mine))
    assert telling(fold(yours))
    assert copies([mine, *here], [*there, yours]) == Copies(exact=(), near=(), exact_there=(), near_there=())


def test_what_everybody_says_is_no_copy() -> None:
    small_talk = ["ok", "thanks", "thanks a lot!", "any ideas?", "???", "", "好的", "谢谢大家"]
    assert copies(small_talk, small_talk).either == frozenset()
    assert copies(small_talk, small_talk, letters=1).exact == (0, 1, 2, 3, 6, 7)


def test_a_word_more_in_a_long_question_is_near_and_another_question_is_not() -> None:
    asked = "how do I install the proprietary nvidia driver on ubuntu 10.04 without breaking X?"
    found = copies([asked, "what is the best way to partition a disk for two systems?"], [f"hi, {asked}"])
    assert (found.exact, found.near, found.near_there) == ((), (0,), (0,))
    assert copies(["请问怎么在服务器上安装最新的显卡驱动程序"], ["请问怎么在服务器上安装最新的显卡驱动程序?"]).near == (
        0,
    )

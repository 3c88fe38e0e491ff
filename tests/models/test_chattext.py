from hypothesis import given
from hypothesis import strategies as st

from models.chattext import clean, friendly_names, rename

ANY_TEXT = st.text(alphabet=st.characters(), max_size=300)  # surrogates and controls included


@given(ANY_TEXT, st.integers(min_value=20, max_value=200))
def test_clean_text_is_bounded_valid_and_on_one_line(text: str, limit: int) -> None:
    found = clean(text, limit)
    assert "\n" not in found
    assert "\x00" not in found
    found.encode("utf-8")
    assert len(found) <= 3 * limit + 3 * text.count("\n")  # NFC and " / " may lengthen a text


def test_a_million_characters_keep_head_and_tail() -> None:
    found = clean("a" * 500_000 + "middle" + "b" * 499_997 + "?!", 100)
    assert found.startswith("aaa")
    assert found.endswith("b?!")
    assert len(found) == 100


def test_lone_surrogates_and_nul_become_harmless() -> None:
    assert clean("a\ud800b\x00c", 100) == "a\ufffdb c"


def test_lines_are_joined_as_annotators_see_them() -> None:
    assert clean("one\r\n  two\n\nthree", 100) == "one / two / three"


def test_names_are_friendly_and_mentions_follow() -> None:
    names = friendly_names("u12", ["u7", "u12", "u8", "u7"])
    assert names == {"u12": "S", "u7": "P1", "u8": "P2"}
    assert rename("u7: ask u8, not u77 or xu8", names) == "P1: ask P2, not u77 or xu8"


def test_a_name_is_never_a_pattern() -> None:
    assert rename("a.c abc", friendly_names("a.c", [])) == "S abc"

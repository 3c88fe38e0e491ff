import math

from hypothesis import given
from hypothesis import strategies as st

from labeling.similarity import DIMENSIONS, text_vector


def cosine(left: str, right: str) -> float:
    return sum(a * b for a, b in zip(text_vector(left), text_vector(right), strict=True))


@given(st.text(max_size=60))
def test_every_text_has_a_vector_of_length_one_or_nothing(text: str) -> None:
    vector = text_vector(text)
    assert len(vector) == DIMENSIONS
    length = math.hypot(*vector)
    assert abs(length - 1) < 1e-3 or not any(vector)


@given(st.text(min_size=1, max_size=60))
def test_case_width_and_blanks_make_no_difference(text: str) -> None:
    assert text_vector(f"  {text} ") == text_vector(text)
    assert text_vector("ＡＢＣ  def") == text_vector("abc DEF")


def test_reworded_questions_are_nearer_than_others() -> None:
    asked = "how do I mount a usb disk in ubuntu?"
    assert cosine(asked, "How can i mount my USB disk on Ubuntu") > 0.6
    assert cosine(asked, "thanks, that worked, see you tomorrow") < 0.4
    assert cosine("请问怎么安装显卡驱动?", "怎么安装显卡的驱动") > cosine("请问怎么安装显卡驱动?", "今天天气真好")

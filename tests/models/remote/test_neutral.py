"""Nobody in the chat can write a special token to a server, and ordinary text is left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.remote.neutral import neutral

SPECIAL = [
    "<|im_start|>",
    "<|im_end|>",
    "<|endoftext|>",
    "<|start_header_id|>",
    "<|eot_id|>",
    "<s>",
    "</s>",
    "<<SYS>>",
    "[INST]",
    "[/INST]",
    "[gMASK]",
    "<start_of_turn>",
    "<think>",
    "<｜User｜>",
    "<｜begin▁of▁sentence｜>",
    "<0x0A>",
]
pieces = st.lists(st.sampled_from([*SPECIAL, "<", ">", "|", "[", "]", " ", "im_end", "</", "a", "。"]), max_size=12)


@given(pieces)
def test_no_special_token_survives(parts: list[str]) -> None:
    text = neutral("".join(parts))
    assert not [token for token in SPECIAL if token in text]


@given(pieces)
def test_doing_it_twice_is_doing_it_once_and_only_spaces_are_added(parts: list[str]) -> None:
    text = "".join(parts)
    once = neutral(text)
    assert neutral(once) == once
    assert once.replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize(
    "text", ["how do I mount it?", "a < b and b > c", "y [1, 2]", "-> <3 >>> S: hi", "怎么安装？", ""]
)
def test_ordinary_text_stays(text: str) -> None:
    assert neutral(text) == text

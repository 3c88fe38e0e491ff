from dataclasses import replace

import pytest

from models.chat import Burst
from retrain.rule import RULES, asks, leans
from tests.retrain.conftest import make_item


def said(text: str) -> Burst:
    return replace(make_item(1).burst, text=text)


@pytest.mark.parametrize(
    "text",
    [
        "it broke. how do i mount it",
        "hello\nanyone know why grub hangs",
        "x crashes when I do y, any ideas",
        "bob: can you paste the log",
        "I can't get x to work",
        "I'm wondering if that is safe",
        "你好吗",
        "这个怎么装",
        "有没有人用过",
        "ubuntu 还是 debian？",
        "bob: help me please",
    ],
)
def test_the_wide_rule_sees_questions(text: str) -> None:
    assert asks(said(text))


@pytest.mark.parametrize(
    "text",
    [
        "it is mounted now",
        "bob: thanks, that did it",
        "see https://example.org/page?id=3",
        "run `ls foo?`",
        "我知道了",
        "",
    ],
)
def test_the_wide_rule_passes_statements(text: str) -> None:
    assert not asks(said(text))


def test_short_or_pronominal_bursts_lean_on_the_chat() -> None:
    assert leans(said("which one?"))
    assert leans(said("bob: does that work with the new kernel release as well?"))
    assert not leans(said("how do I install the nvidia driver on ubuntu 10.04?"))
    long = (
        "I installed the nvidia driver on ubuntu 10.04 with jockey and now it hangs at the login screen, what can I do?"
    )
    assert not leans(said(long)), "a long burst explains its own pronouns"
    assert leans(said("那它多少钱"))


def test_there_is_a_rule_for_each_shipped_question() -> None:
    assert set(RULES) == {"is_question", "needs_context"}

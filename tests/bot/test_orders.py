import re
from dataclasses import replace

import pytest
from bot_fakes import REPO, said
from hypothesis import given
from hypothesis import strategies as st

from bot.orders import CHINESE, Order, Verb, is_order, parse, told_apart
from models.chat import EventKind

WORDS = [(verb, verb.value, "en") for verb in Verb if verb is not Verb.UNKNOWN] + [
    (verb, word, "zh") for verb, words in CHINESE.items() for word in words
]
SPACE = st.sampled_from([" ", "  ", "\n", "\u3000", ": ", "\uff1a"])
PREFIX = st.sampled_from(["!quandary", "!Quandary", "\uff01quandary", "  !QUANDARY"])


@given(prefix=PREFIX, space=SPACE, word=st.sampled_from(WORDS), upper=st.booleans())
def test_every_word_is_read_as_its_verb_and_tongue(prefix, space, word, upper):
    verb, text, tongue = word
    spelled = f"{prefix}{space}{text.upper() if upper else text}"
    assert is_order(spelled)
    assert parse(spelled) == Order(verb=verb, tongue=tongue)


@given(
    verb=st.sampled_from([Verb.OPT_OUT, Verb.OPT_IN, Verb.FORGET]),
    chinese=st.booleans(),
    where=st.sampled_from(["everywhere", "all", "所有群", "全部"]),
)
def test_some_orders_reach_further(verb, chinese, where):
    word = CHINESE[verb][0] if chinese else verb.value
    found = parse(f"!quandary {word} {where}")
    assert found == Order(verb=verb, tongue="zh" if chinese else "en", everywhere=True)


@given(
    number=st.integers(1, 99),
    unit=st.sampled_from(["", "h", " hours", "小时", " 小时"]),
    word=st.sampled_from(["pause ", "暂停", "暂停 "]),
)
def test_a_pause_says_for_how_long(number, unit, word):
    assert parse(f"!quandary {word}{number}{unit}").hours == number


def test_minutes_and_parts_of_hours():
    assert parse("!quandary pause 30 minutes").hours == 0.5
    assert parse("!quandary 暂停 90 分钟").hours == 1.5
    assert parse("!quandary pause 1.5h").hours == 1.5
    assert parse("!quandary pause").hours is None


@pytest.mark.parametrize(
    "text",
    [
        "!quandary dance",
        "!quandary forget about it",
        "!quandary forget everywhere now",
        "!quandary optout me",
        "!quandary help everywhere",
        "!quandary pause 0",
        "!quandary pause 99999",
        "!quandary pause until monday",
        "!quandary pause 2 lightyears",
        "!quandaryx forget",
    ],
)
def test_what_is_not_understood_is_no_other_order(text):
    assert is_order(text)
    assert parse(text).verb is Verb.UNKNOWN


def test_the_name_alone_asks_for_help():
    assert parse("!quandary") == parse(" \uff01Quandary\n") == Order(verb=Verb.HELP)
    assert parse("!quandary帮助") == Order(verb=Verb.HELP, tongue="zh")


def test_the_orders_that_members_are_told_of_are_known():
    page = (REPO / "docs" / "members.md").read_text(encoding="utf-8")
    told = [parse(text) for text in re.findall(r"`(!quandary [^`]+)`", page)]
    assert {order.verb for order in told if order.tongue == "en"} == set(Verb) - {Verb.UNKNOWN}
    assert {order.verb for order in told if order.tongue == "zh"} == set(Verb) - {Verb.UNKNOWN}
    assert {order.hours for order in told} == {None, 2.0}
    assert not any(order.verb is Verb.UNKNOWN for order in told)


@given(st.text())
def test_any_text_is_read(text):
    for spelled in (text, "!quandary " + text):
        assert isinstance(is_order(spelled), bool)
        assert isinstance(parse(spelled), Order)
    assert is_order("!quandary " + text)


@pytest.mark.parametrize(
    "text", ["", "!", "quandary help", "please !quandary help", "!quandar", "! quandary", "@!quandary"]
)
def test_other_messages_are_chat(text):
    assert not is_order(text)
    assert told_apart(said(1, "a", 0, text)).kind is EventKind.MESSAGE


def test_only_a_members_message_becomes_an_order():
    assert told_apart(said(1, "a", 0, "!quandary why")).kind is EventKind.ORDER
    assert told_apart(said(1, "a", 0, "!quandary why", bot=True)).kind is EventKind.MESSAGE
    edit = said(1, "a", 0, "!quandary why", kind=EventKind.EDIT, target=1)
    assert told_apart(edit) == replace(edit, text="")
    assert told_apart(replace(edit, text="why")) == replace(edit, text="why")

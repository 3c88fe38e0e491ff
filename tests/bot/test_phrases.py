import re
from dataclasses import fields
from string import Formatter

import pytest

from bot.manners import Hold
from bot.orders import Verb, parse
from bot.phrases import CHINESE, ENGLISH, SENTENCES, Sentences, spoken
from models.consent import Mode
from models.decision import Route

HAN = re.compile("[\u4e00-\u9fff]")


def pieces(sentences):
    """Every single sentence, by its name."""
    for field in fields(Sentences):
        value = getattr(sentences, field.name)
        yield from value.items() if isinstance(value, dict) else [(field.name, value)]


def blanks(text):
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_both_languages_say_everything_with_the_same_blanks():
    english, chinese = dict(pieces(ENGLISH)), dict(pieces(CHINESE))
    assert english.keys() == chinese.keys() >= set(Hold) | set(Route) | (set(Mode) - {Mode.OFF})
    for name, text in english.items():
        assert text.strip()
        assert blanks(text) == blanks(chinese[name]), name
        assert not HAN.search(text), name
        assert HAN.search(chinese[name]) or name == "why_decision", name


@pytest.mark.parametrize("sentences", SENTENCES.values())
def test_the_orders_that_sentences_name_are_known(sentences):
    named = set()
    for name, text in pieces(sentences):
        for word in re.findall(r"!quandary ([\w\u4e00-\u9fff]+)", text):
            assert parse(f"!quandary {word}").verb is not Verb.UNKNOWN, name
            named.add(parse(f"!quandary {word}").verb)
    assert named >= {Verb.HELP, Verb.WHY, Verb.RECALL, Verb.OPT_OUT, Verb.OPT_IN, Verb.FORGET, Verb.PAUSE, Verb.RESUME}


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([], "en"),
        (["how do I do this?", "你好"], "en"),
        (["怎么安装这个软件", "pip install 报错"], "zh"),
        (["", "123 !!"], "en"),
        (["怎么办"], "zh"),
    ],
)
def test_a_language_is_told_by_its_script(texts, expected):
    assert spoken(texts) == expected

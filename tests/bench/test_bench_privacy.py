import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from bot.bench.privacy import KINDS, SETS, Line, in_chat, privacy, read_lines, score, unmarked
from models.privacy import WORDS, mask

FLOOR = 0.95
"""What precision and recall of every kind must reach on both sets (they have 6 to 26 spans of a kind)."""


@pytest.mark.parametrize("name", SETS)
def test_every_kind_reaches_the_floor(name: str) -> None:
    scores = score(read_lines(name))
    for kind in KINDS:
        one = scores[kind]
        assert one.marked >= 6
        assert one.recall is not None
        assert one.precision is not None
        assert one.recall >= FLOOR, kind
        assert one.precision >= FLOOR, kind


@pytest.mark.parametrize("name", SETS)
def test_half_of_each_set_and_more_is_to_stay_and_does(name: str) -> None:
    lines = read_lines(name)
    stay = [line.text for line in lines if not line.marked]
    assert len(lines) >= 160
    assert len(stay) >= len(lines) / 2
    assert len({line.text for line in lines}) == len(lines)
    assert sum(mask(text) == text for text in stay) >= FLOOR * len(stay)
    assert any("\u4e00" <= character <= "\u9fff" for line in lines for character in line.text)


def test_the_two_sets_share_no_line() -> None:
    seen, held_out = ({line.text for line in read_lines(name)} for name in SETS)
    assert not seen & held_out


def test_marks_become_spans() -> None:
    line = unmarked("a {{ip:8.8.8.8}} and {{secret:p}}}}!")
    assert line.text == "a 8.8.8.8 and p}}!"
    assert [line.text[begin:end] for begin, end, _ in line.marked] == ["8.8.8.8", "p}}"]
    assert [kind for *_, kind in line.marked] == ["ip", "secret"]


def test_what_is_missed_and_what_is_masked_for_nothing_costs() -> None:
    missed = Line(text="ask bob at home", marked=[(4, 7, "email")])
    needless = Line(text="write to a@example.org", marked=[])
    found = score([missed, needless, unmarked("write to {{email:b@example.org}}")])["email"]
    assert (found.marked, found.found, found.masked, found.right) == (2, 1, 2, 1)
    assert (found.recall, found.precision) == (0.5, 0.5)
    partly = score([unmarked("ping {{ip:8.8.8.8 and}}")])["ip"]
    assert (partly.found, partly.right) == (0, 1)


def test_the_command_prints_figures_and_shows_no_chat_unasked(tmp_path: Path) -> None:
    chat = tmp_path / "chat.jsonl"
    chat.write_text("\n".join(json.dumps({"text": text}) for text in ("mail me: joe@example.org", "hi", "", "ok")))
    ran = CliRunner().invoke(privacy, [str(chat), "--json"])
    assert ran.exit_code == 0, ran.output
    told = json.loads(ran.output)
    assert told["chat"]["chat.jsonl"] == {
        "messages": 4,
        "per_1000": {"email": 250.0, "phone": 0.0, "ip": 0.0, "card": 0.0, "secret": 0.0},
    }
    assert set(told["sets"]) == set(SETS)
    assert "joe@" not in ran.output
    shown = CliRunner().invoke(privacy, [str(chat), "--examples"])
    assert "joe@example.org" in shown.output


def test_a_chat_without_messages_has_no_rate_to_speak_of() -> None:
    assert in_chat([])["per_1000"] == dict.fromkeys(KINDS, 0.0)


@given(st.lists(st.sampled_from([line.text for name in SETS for line in read_lines(name)]), max_size=5), st.data())
def test_masked_lines_joined_in_any_way_are_masked_for_good(texts: list[str], data: st.DataObject) -> None:
    joint = data.draw(st.sampled_from([" ", "\n", ", ", "", "\uff0c"]))
    once = mask(joint.join(texts))
    assert mask(once) == once


@given(st.lists(st.from_regex(r"[a-z]{1,12}", fullmatch=True), max_size=12), st.sampled_from([" ", ", ", "\n"]))
def test_words_alone_are_never_changed(words: list[str], joint: str) -> None:
    text = joint.join(words)
    assert mask(text) == text
    assert not any(word in text for word in WORDS.values())

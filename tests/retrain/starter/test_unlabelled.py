"""Raw chat as bursts for a teacher."""

import numpy as np
import pytest

from retrain.starter.corpus import Message
from retrain.starter.unlabelled import LONGEST, RULE_VIEWS, WINDOW, blended, bursts, draw, read_taught, write_taught
from tests.retrain.conftest import IS_QUESTION, NEEDS_CONTEXT

QUESTIONS = (IS_QUESTION, NEEDS_CONTEXT)


def chat(*lines: tuple[str, str, str]) -> list[Message]:
    return [Message(room=room, sender=sender, text=text) for room, sender, text in lines]


def test_consecutive_messages_of_one_sender_are_one_burst_with_the_chat_before():
    found = list(bursts(chat(("r", "ann", "hi"), ("r", "bob", "how do"), ("r", "bob", "I mount?"), ("r", "ann", "so"))))
    assert [(b.sender, b.text) for b in found] == [("ann", "hi"), ("bob", "how do\nI mount?"), ("ann", "so")]
    assert [[m.text for m in b.window] for b in found] == [[], ["hi"], ["hi", "how do\nI mount?"]]


def test_rooms_stay_apart_and_windows_and_bursts_are_bounded():
    one = [("a", f"u{n % 2}", f"w{n}") for n in range(40)]
    found = list(bursts(chat(*one, ("b", "u0", "first"), *[("b", "u1", "x" * 90)] * 9)))
    assert next(b for b in found if b.room == "b").window == ()
    assert max(len(b.window) for b in found) <= WINDOW + 1
    assert max(len(b.text) for b in found) < LONGEST + 100


def test_most_of_what_is_drawn_looks_like_a_question():
    lines = [("r", f"u{n % 2}", "how do I mount?" if n % 10 == 0 else f"it works now {n}") for n in range(400)]
    found = list(bursts(chat(*lines)))
    drawn = draw(found, 50, seed=3)
    assert len(drawn) == 50
    assert sum("?" in b.text for b in drawn) == 35
    assert drawn == draw(found, 50, seed=3)
    assert drawn != draw(found, 50, seed=4)


def test_what_was_taught_is_read_back(tmp_path):
    found = list(bursts(chat(("r", "ann", "你好 \u2028 hi"), ("r", "bob", "what's up?"))))
    views = np.array([[0.1, 0.25], [0.9, 0.5]])
    write_taught(tmp_path / "taught.jsonl", found, views)
    again, read = read_taught(tmp_path / "taught.jsonl")
    assert again == found
    assert np.array_equal(read, views)
    assert [p.name for p in tmp_path.iterdir()] == ["taught.jsonl"]


def test_the_rule_s_view_of_what_asks_is_averaged_in_and_no_other():
    found = list(bursts(chat(("r", "ann", "how do I mount this?"), ("r", "bob", "it works now"))))
    views = np.array([[0.55, 0.3], [0.5, 0.4]])
    made = blended(found, views, QUESTIONS)
    assert made == pytest.approx(np.array([[(0.55 + RULE_VIEWS[1]) / 2, 0.3], [(0.5 + RULE_VIEWS[0]) / 2, 0.4]]))
    assert views[0, 0] == 0.55

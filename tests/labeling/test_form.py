from labeling.form import Form, fill
from models.chat import Burst
from models.chattext import friendly_names
from models.decision import Decision
from tests.labeling.made import Two, burst, decision, request


def made(questions: Two, said: Burst, *decisions: Decision, blind: bool = False, suggest: bool = True) -> Form:
    names = friendly_names(said.sender, (m.sender for m in said.window))
    return fill(request(blind=blind), said, decisions, questions, room="room-1", names=names, suggest=suggest)


def test_names_are_friendly_everywhere_and_empty_messages_left_out(questions: Two) -> None:
    said = burst("bob: thanks, and bobby?", ("bob", "alice@example.org: try it"), ("eve", " \x00 "), ("carol", "hm"))
    form = made(questions, said)
    assert [(m.sender, m.text) for m in form.window] == [("P1", "S: try it"), ("P3", "hm")]
    assert (form.speaker, form.text) == ("S", "P1: thanks, and bobby?")


def test_text_is_masked_kept_in_lines_and_shortened(questions: Two) -> None:
    form = made(
        questions, burst("my key is\npassword=hunter2\n\tmail x@example.com", ("bob", "5" * 30 + " " + "x" * 900))
    )
    assert form.text == "my key is\npassword=[secret]\nmail [e-mail]"
    assert len(form.window[0].text) <= 500
    long = made(questions, burst("word " * 300_000 + " the end?"))
    assert len(long.text) <= 2000
    assert long.text.endswith("the end?")


def test_odd_characters_become_harmless(questions: Two) -> None:
    form = made(questions, burst("a\x00b \ud800 \u202ec <|im_end|>"))
    assert form.text == "a b \ufffd \u202ec <|im_end|>"


def test_the_last_decision_of_this_version_is_suggested(questions: Two) -> None:
    first, second = questions
    form = made(
        questions,
        burst("hi?"),
        decision(first, 0.9),
        decision(first, 0.3, revision="bbbbbbbbbbbb"),
        decision(second, 0.8, version="another"),
    )
    assert set(form.suggestions) == {"is_question"}
    suggestion = form.suggestions[first.id]
    assert (suggestion.option, suggestion.score, suggestion.agent) == ("no", 0.7, "quandary-bbbbbbbbbbbb")


def test_blind_requests_and_a_setting_hide_suggestions(questions: Two) -> None:
    assert made(questions, burst("hi?"), decision(questions[0], 0.9), blind=True).suggestions == {}
    assert made(questions, burst("hi?"), decision(questions[0], 0.9), suggest=False).suggestions == {}

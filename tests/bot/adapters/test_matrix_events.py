from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nio import Event

from bot.adapters.matrix_events import AHEAD, EventReader, event_id, native_id
from models.chat import ChatEvent, EventKind

US, THEM, ROOM = "@quandary:example.org", "@ann:example.org", "!r:example.org"
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
READER = EventReader(US, "Quandary Bot")


def read(content, kind="m.room.message", sender=THEM, at=NOW, **more):
    milliseconds = at if isinstance(at, int) else int(at.timestamp() * 1000)
    source = {"type": kind, "event_id": "$e", "sender": sender, "origin_server_ts": milliseconds, "content": content}
    return READER.read(ROOM, Event.parse_event({**source, **more}), NOW)


def text(body, **more):
    return {"msgtype": "m.text", "body": body, **more}


def test_ids_go_there_and_back():
    assert native_id(ROOM, event_id(ROOM, "$old:example.org")) == "$old:example.org"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("> <@bob:x.org> one\n> two\n\nthe reply", "the reply"),
        ("> * <@bob:x.org> waves\n\nthe reply", "the reply"),
        ("> <@bob:x.org> one\n\n> a quotation of mine\nand more", "> a quotation of mine\nand more"),
        ("> a quotation of mine", "> a quotation of mine"),
    ],
)
def test_the_fallback_of_a_reply_is_no_text_of_its_sender(body, expected):
    answer = {"m.relates_to": {"m.in_reply_to": {"event_id": "$a"}}}
    assert read(text(body, **answer)).text == expected
    assert read(text(body)).text == body  # without a relation it is what somebody wrote


def test_a_reply_in_a_thread_has_both():
    relation = {"rel_type": "m.thread", "event_id": "$t", "m.in_reply_to": {"event_id": "$a"}}
    said = read(text("x", **{"m.relates_to": {**relation, "is_falling_back": False}}))
    assert (said.thread, said.reply_to) == ("$t", event_id(ROOM, "$a"))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("quandary bot: help", True),
        ("ask @quandary:example.org", True),
        ("that quandary bothers me", False),
        ("a quandary botched", False),
        ("xquandary bot", False),
    ],
)
def test_mentions_by_name_are_whole_words(said, expected):
    assert read(text(said)).mentions_bot is expected
    assert not read(text(said), sender=US).mentions_bot


@pytest.mark.parametrize("members", [US, [THEM], {"a": 1}, None, [1, None]])
def test_mentions_of_others_or_of_no_sense_are_none(members):
    assert not read(text("x", **{"m.mentions": {"user_ids": members}})).mentions_bot


def test_bots_and_we_ourselves_are_bots():
    assert read({"msgtype": "m.notice", "body": "x"}).is_bot
    assert read(text("x"), sender=US).is_bot
    assert not read({"msgtype": "m.emote", "body": "waves"}).is_bot


@pytest.mark.parametrize("new", [None, "x", 3, ["x"]])
def test_an_edit_without_a_text_is_nothing(new):
    relation = {"m.relates_to": {"rel_type": "m.replace", "event_id": "$a"}, "m.new_content": new}
    assert read(text("* x", **relation)) is None
    assert read(text("* x", **{**relation, "m.new_content": {"msgtype": "m.text"}})).text == ""


def test_what_was_redacted_before_we_saw_it_is_nothing():
    assert read({}, unsigned={"redacted_because": {"type": "m.room.redaction"}}) is None


def test_times_of_other_servers_are_claims():
    assert read(text("x"), at=NOW + timedelta(days=3000)).sent_at == NOW + AHEAD
    assert read(text("x"), at=10**30).sent_at == NOW + AHEAD
    assert read(text("x"), at=0).sent_at == datetime.fromtimestamp(0, UTC)
    assert read(text("x"), at=-5) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(
    [
        "msgtype",
        "body",
        "m.relates_to",
        "m.new_content",
        "m.mentions",
        "filename",
        "url",
        "info",
        "rel_type",
        "event_id",
    ]
)
RELATION = st.dictionaries(
    st.sampled_from(["rel_type", "event_id", "key", "m.in_reply_to", "is_falling_back"]),
    JSON | st.sampled_from(["m.thread", "m.replace", "m.annotation", "$e"]) | st.just({"event_id": "$a"}),
)
CONTENT = st.dictionaries(KEYS, JSON | RELATION | st.sampled_from(["m.text", "m.image", "m.notice", "m.emote"]))


@settings(max_examples=60)
@given(
    content=CONTENT,
    kind=st.sampled_from(["m.room.message", "m.reaction", "m.room.redaction", "m.room.member", "m.sticker", "x.y"]),
    at=st.integers(),
)
def test_nothing_that_a_member_sends_breaks_the_reader(content, kind, at):
    event = read(content, kind, at=at, state_key="", redacts="$a")
    assert event is None or (isinstance(event, ChatEvent) and isinstance(event.text, str))
    if event is not None and event.kind in (EventKind.EDIT, EventKind.DELETE, EventKind.REACTION):
        assert event.target.startswith(f"matrix:{ROOM}:")

"""What is Telegram's own; the rest is in test_contract.py."""

import asyncio
import time
from contextlib import aclosing

import pytest
from contract import heard, until
from fake_telegram import BOT, CHAT, TOKEN
from telegram_rig import TelegramRig

from bot.adapters.telegram import TelegramChat
from bot.adapters.telegram_updates import events_of
from models.chat import EventKind
from models.errors import PlatformError, SettingsError
from models.settings import TelegramSettings


@pytest.fixture
async def rig(tmp_path, monkeypatch):
    async with TelegramRig(tmp_path, monkeypatch) as opened:
        yield opened


def test_a_missing_token_is_named_before_anything_happens(monkeypatch):
    monkeypatch.delenv("QUANDARY_TELEGRAM_TOKEN", raising=False)
    with pytest.raises(SettingsError, match="QUANDARY_TELEGRAM_TOKEN"):
        TelegramChat(TelegramSettings())


async def test_something_that_is_no_token_at_all(rig, monkeypatch):
    monkeypatch.setenv("TG", "hello world")
    with pytest.raises(PlatformError, match="BotFather") as found:
        async with rig.open():
            pytest.fail("entered")
    assert "hello world" not in str(found.value)


async def test_a_token_that_is_revoked_while_we_poll_stops_us(rig):
    async with rig.open() as chat:
        rig.fake.answer_next("getUpdates", 401, "Unauthorized")
        with pytest.raises(PlatformError, match="BotFather"):
            await heard(chat)


async def test_a_second_poller_is_borne_for_a_moment_and_then_named(rig):
    async with rig.open() as chat:
        for _ in range(2):
            rig.fake.answer_next("getUpdates", 409, "Conflict: terminated by other getUpdates request")
        rig.say("8", "hello")
        assert [event.text for event in await heard(chat)] == ["hello"]
        for _ in range(3):
            rig.fake.answer_next("getUpdates", 409, "Conflict: can't use getUpdates method while webhook is active")
        with pytest.raises(PlatformError, match="webhook is active"):
            await heard(chat)


async def test_limits_are_waited_for(rig):
    async with rig.open() as chat:
        rig.say("8", "hello")
        rig.fake.answer_next("getUpdates", 429, "Too Many Requests: retry after 1", retry_after=1)
        begun = time.monotonic()
        [event] = await heard(chat)
        assert time.monotonic() - begun >= 1
        rig.fake.answer_next("sendMessage", 429, "Too Many Requests: retry after 1", retry_after=1)
        begun = time.monotonic()
        await chat.reply(event.room, None, event.id, "so")
        assert time.monotonic() - begun >= 1
        assert len(rig.fake.said) == 1
        rig.fake.answer_next("sendMessage", 429, "Too Many Requests: retry after 3600", retry_after=3600)
        with pytest.raises(PlatformError, match="3600"):
            await chat.reply(event.room, None, event.id, "so")


async def test_only_what_is_durable_is_confirmed_and_an_offset_is_used_once(rig):
    """The server may count anew after a quiet week; an old offset would then confirm what nobody has read."""
    async with rig.open() as chat, aclosing(chat.events(None)) as events:
        rig.say("8", "one")
        chat.durable([await anext(events)])
        onward = asyncio.create_task(anext(events))
        await until(lambda: len([form for method, form in rig.fake.calls if method == "getUpdates"]) == 3)
        rig.fake.next_update = 5
        rig.say("8", "a week later")
        assert (await onward).text == "a week later"
    offsets = [form.get("offset") for method, form in rig.fake.calls if method == "getUpdates"]
    assert offsets[:3] == [None, "1001", None]


async def test_an_update_that_we_cannot_read_spoils_nothing_and_goes_away(rig):
    async with rig.open() as chat:
        rig.fake.update(unheard_of={"a": 1})
        rig.fake.update(message={"message_id": "no number", "chat": 7})
        rig.say("8", "hello")
        assert [event.text for event in await heard(chat)] == ["hello"]
        rig.say("8", "again")
        assert [event.text for event in await heard(chat, 2)] == ["hello", "again"]


async def test_a_reply_that_is_too_long_is_cut_and_no_markup_is_read(rig):
    async with rig.open() as chat:
        await chat.reply(str(CHAT), None, None, "😀" * 5000)
        await chat.reply(str(CHAT), None, None, "<b>*_no markup_*</b>")
        with pytest.raises(PlatformError, match="chat not found"):
            await chat.reply("-5", None, None, "hello")
    assert rig.fake.said[0][3] == "😀" * 2047 + "…"
    assert rig.fake.said[1][3] == "<b>*_no markup_*</b>"
    assert all("parse_mode" not in form for method, form in rig.fake.calls if method == "sendMessage")


async def test_what_cannot_be_deleted_is_told(rig):
    async with rig.open() as chat:
        assert not await chat.retract(str(CHAT), f"telegram:{CHAT}:999")
        rig.fake.answer_next("deleteMessage", 500, "Internal Server Error")
        with pytest.raises(PlatformError, match="deleteMessage"):
            await chat.retract(str(CHAT), f"telegram:{CHAT}:999")


async def test_privacy_mode_is_seen(rig):
    rig.fake.me["can_read_all_group_messages"] = False
    async with rig.open() as chat:
        assert chat.capabilities.mention_only


async def test_an_admin_who_hides_is_one(rig):
    async with rig.open() as chat:
        assert await chat.is_admin(str(CHAT), str(CHAT))
        assert not any(method == "getChatAdministrators" for method, _ in rig.fake.calls)


async def test_the_token_comes_into_no_error(rig, monkeypatch):
    settings = TelegramSettings(token_env="TG", base_url="http://127.0.0.1:1")
    with pytest.raises(PlatformError) as found:
        async with TelegramChat(settings):
            pytest.fail("entered")
    assert TOKEN not in str(found.value)


CHANNEL = {"id": -100777, "type": "channel", "title": "news"}


@pytest.mark.parametrize(
    ("more", "sender", "is_bot"),
    [
        ({}, "8", False),
        ({"from": {"id": 9, "is_bot": True, "first_name": "b"}}, "9", True),
        (
            {
                "from": {"id": 1087968824, "is_bot": True, "first_name": "Group"},
                "sender_chat": {"id": CHAT, "type": "supergroup"},
            },
            str(CHAT),
            False,
        ),
        (
            {"from": {"id": 777000, "is_bot": False, "first_name": "Telegram"}, "sender_chat": CHANNEL},
            "-100777",
            False,
        ),
    ],
)
async def test_who_speaks(rig, more, sender, is_bot):
    raw = {"update_id": 1, "message": rig.fake.message("8", "hello", **more)}
    async with rig.open() as chat:
        [event] = events_of(raw, chat._me)
    assert (event.sender, event.is_bot) == (sender, is_bot)


TOPIC = {"forum_topic_created": {"name": "help", "icon_color": 1}}


@pytest.mark.parametrize(
    ("text", "more", "expected"),
    [
        ("@Quandary_Bot help", {"entities": [{"type": "mention", "offset": 0, "length": 13}]}, True),
        ("😀 @quandary_bot", {"entities": [{"type": "mention", "offset": 3, "length": 13}]}, True),
        ("@quandary_bots help", {"entities": [{"type": "mention", "offset": 0, "length": 14}]}, False),
        ("/start@quandary_bot", {"entities": [{"type": "bot_command", "offset": 0, "length": 19}]}, True),
        ("/start", {"entities": [{"type": "bot_command", "offset": 0, "length": 6}]}, False),
        ("mail me at x@quandary_bot", {}, False),
        (
            "you there",
            {
                "entities": [
                    {
                        "type": "text_mention",
                        "offset": 0,
                        "length": 3,
                        "user": {"id": BOT, "is_bot": True, "first_name": "Q"},
                    }
                ]
            },
            True,
        ),
        ("hello", {"chat": {"id": 8, "type": "private", "first_name": "m"}}, True),
        ("yes", {"reply_to": BOT}, True),
        ("yes", {"reply_to": 9}, False),
        ("a topic's message", {"reply_to": BOT, "topic": TOPIC}, False),
    ],
)
async def test_who_is_spoken_to(rig, text, more, expected):
    reply_to, topic = more.pop("reply_to", None), more.pop("topic", {})
    message = rig.fake.message("8", text, **more)
    if reply_to is not None:
        message["reply_to_message"] = rig.fake.message(str(reply_to), "earlier", **topic)
    async with rig.open() as chat:
        [event] = events_of({"update_id": 1, "message": message}, chat._me)
    assert event.mentions_bot is expected
    assert (event.reply_to is not None) is (reply_to is not None and not topic)


async def test_a_picture_has_its_caption_and_a_general_reply_thread_is_no_topic(rig):
    message = rig.fake.message("8", "x", message_thread_id=7) | {"caption": "what is this?"}
    del message["text"]
    async with rig.open() as chat:
        [event] = events_of({"update_id": 1, "message": message}, chat._me)
    assert (event.text, event.thread) == ("what is this?", None)


async def test_of_a_changed_reaction_only_what_was_added_is_told(rig):
    thumb, fire = {"type": "emoji", "emoji": "👍"}, {"type": "emoji", "emoji": "🔥"}
    custom = {"type": "custom_emoji", "custom_emoji_id": "5368324170671202286"}
    change = {"chat": rig.fake.chat, "message_id": 3, "user": rig.fake.user("8"), "date": 1767614400}
    change |= {"old_reaction": [thumb], "new_reaction": [thumb, fire, custom]}
    async with rig.open() as chat:
        events = events_of({"update_id": 9, "message_reaction": change}, chat._me)
        gone = events_of({"update_id": 9, "message_reaction": change | {"new_reaction": []}}, chat._me)
    assert [(event.text, event.kind) for event in events] == [
        ("🔥", EventKind.REACTION),
        ("5368324170671202286", EventKind.REACTION),
    ]
    assert len({event.id for event in events}) == 2
    assert gone == []

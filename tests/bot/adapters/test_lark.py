"""What is Lark's own; the rest is in test_contract.py."""

import json
import time

import aiohttp
import pytest
from contract import heard
from fake_lark import CHAT, KEY, VERIFICATION, seal, signed
from lark_rig import LarkRig

from bot.adapters.lark_calls import LarkError
from bot.adapters.lark_seal import decrypt, signature
from bot.adapters.push import Refused
from models.errors import PlatformError, SettingsError
from models.settings import LarkSettings


@pytest.fixture
async def rig(tmp_path, monkeypatch):
    async with LarkRig(tmp_path, monkeypatch) as opened:
        yield opened


@pytest.fixture
async def chat(rig):
    async with rig.open() as opened:
        yield opened


def test_the_example_of_the_documentation_is_decrypted():
    assert decrypt("test key", "P37w+VZImNgPEO1RBhJ6RtKl7n6zymIbEG1pReEzghk=") == b"hello world"


def test_what_is_sealed_otherwise_is_refused():
    for sealed in ("", "AAAA", "no base64!", "P37w+VZImNgPEO1RBhJ6RtKl7n6zymIbEG1pReEzghk"):
        with pytest.raises(Refused) as found:
            decrypt("test key", sealed)
        assert found.value.status == 401


def test_a_signature_is_over_time_nonce_key_and_body():
    one = signature("key", "1", "n", b"{}")
    others = {signature(*parts) for parts in (("keY", "1", "n", b"{}"), ("key", "2", "n", b"{}"))}
    others |= {signature(*parts) for parts in (("key", "1", "m", b"{}"), ("key", "1", "n", b"{ }"))}
    assert len(one) == 64
    assert one not in others


@pytest.mark.parametrize("name", ["QUANDARY_LARK_SECRET", "QUANDARY_LARK_ENCRYPT_KEY"])
def test_missing_secrets_are_named(monkeypatch, name):
    from bot.adapters.lark import LarkChat

    for other in ("QUANDARY_LARK_SECRET", "QUANDARY_LARK_ENCRYPT_KEY"):
        monkeypatch.setenv(other, "x")
    monkeypatch.delenv(name)
    with pytest.raises(SettingsError, match=name):
        LarkChat(LarkSettings(app_id="cli_x"))


async def test_our_url_is_verified_with_and_without_a_signature(rig, chat):
    body = seal(KEY, {"challenge": "ajls384kdjx98XX", "token": VERIFICATION, "type": "url_verification"})
    for headers in ({}, signed(KEY, body)):
        assert await rig.fake.pusher.once(headers, body) == (200, '{"challenge": "ajls384kdjx98XX"}')
    other = seal(KEY, {"challenge": "x", "token": "another app's", "type": "url_verification"})
    assert (await rig.fake.pusher.once({}, other))[0] == 401


async def test_what_is_forged_is_refused_and_never_an_event(rig, chat):
    _, event = rig.fake.message("ou_x", "hello")
    body = seal(KEY, event)
    good = signed(KEY, body)
    plain = json.dumps(event).encode()
    old = signed(KEY, body, at=int(time.time()) - 25 * 3600)
    forged = [
        ({}, body),
        (good, body + b" "),
        (good | {"X-Lark-Signature": "é"}, body),
        (good | {"X-Lark-Request-Nonce": "other"}, body),
        (signed("another key", body), body),
        (signed("another key", other := seal("another key", event)), other),
        (signed(KEY, other), other),
        (signed(KEY, plain), plain),
        (old, body),
        ({**good, "X-Lark-Request-Timestamp": "soon"}, body),
    ]
    for headers, sent in forged:
        status, said = await rig.fake.pusher.once(headers, sent)
        assert status == 401, said
    event["header"]["token"] = "another app's"
    wrong = seal(KEY, event)
    assert (await rig.fake.pusher.once(signed(KEY, wrong), wrong))[0] == 401
    rig.say("ou_x", "the real one")
    assert [event.text for event in await heard(chat)] == ["the real one"]


async def test_what_is_malformed_is_refused(rig, chat):
    bodies = [b"", b"{", b"[]", b'"x"', b"\xff\xfe", b"[" * 100_000]
    _, event = rig.fake.message("ou_x", "hello")
    del event["event"]["message"]["chat_id"]
    bodies += [seal(KEY, event), seal(KEY, [1]), seal(KEY, event | {"event": "text"})]
    for body in bodies:
        status, said = await rig.fake.pusher.once(signed(KEY, body), body)
        assert status == 400, said
    body = b"x" * 300_000
    assert (await rig.fake.pusher.once(signed(KEY, body), body))[0] == 413
    assert (await rig.fake.pusher.once({}, b"", "GET"))[0] == 405


@pytest.mark.parametrize("kind", ["im.chat.member.user.added_v1", "im.message.reaction.deleted_v1", "", None])
async def test_events_that_are_not_known_are_acknowledged(rig, chat, kind):
    body = seal(KEY, rig.fake.event(kind, {"what": "ever"}))
    assert await rig.fake.pusher.once(signed(KEY, body), body) == (200, "{}")


async def test_an_older_push_without_a_header_is_acknowledged(rig, chat):
    body = seal(KEY, {"uuid": "x", "token": VERIFICATION, "type": "event_callback", "event": {"type": "message"}})
    assert (await rig.fake.pusher.once(signed(KEY, body), body))[0] == 200


async def test_who_does_not_store_gets_503_in_time(rig, chat):
    _, event = rig.fake.message("ou_x", "hello")
    body = seal(KEY, event)
    begun = time.monotonic()
    assert (await rig.fake.pusher.once(signed(KEY, body), body))[0] == 503
    assert time.monotonic() - begun > 2


async def test_names_stand_for_the_keys_of_mentions_and_rich_text_is_read(rig, chat):
    people = [("@_user_1", "ou_a", "Tom"), ("@_user_10", "ou_b", "Zoë"), ("@_all", "", "all")]
    mentions = [{"key": key, "id": {"open_id": who}, "name": name} for key, who, name in people]
    content = {
        "title": "Install",
        "content": [
            [{"tag": "text", "text": "see "}, {"tag": "a", "text": "here", "href": "http://x"}],
            [{"tag": "at", "user_id": "@_user_1"}, {"tag": "img", "image_key": "i"}],
        ],
    }
    pushes = [
        rig.fake.message("ou_x", "@_user_10 and @_user_1, @_user_2 @_all", mentions=mentions),
        rig.fake.message("ou_x", "", kind="post", content=content, mentions=mentions),
        rig.fake.message("ou_x", "", kind="image", content={"image_key": "img_x"}),
    ]
    for _, event in pushes:
        rig.fake.push(event)
    texts = {event.text for event in await heard(chat, 3)}
    assert texts == {"@Zoë and @Tom, @_user_2 @all", "Install\nsee here\n@Tom", ""}


async def test_a_chat_of_two_always_speaks_to_the_bot(rig, chat):
    rig.fake.push(rig.fake.message("ou_x", "hi", chat_type="p2p")[1])
    assert (await heard(chat))[0].mentions_bot


async def test_a_reaction_to_a_message_that_is_gone_is_no_event(rig, chat):
    rig.react(f"lark:{CHAT}:om_gone", "ou_x")
    rig.say("ou_x", "next")
    assert (await heard(chat))[0].text == "next"


async def test_a_reply_calls_nobody(rig, chat):
    await chat.reply(CHAT, None, None, '<at user_id="all">all</at> 1 < 2 <b> </AT>')
    assert rig.said()[0][2] == '＜at user_id="all">all＜/at> 1 < 2 <b> ＜/AT>'.replace("＜/", "＜/")


async def test_a_token_that_ended_or_was_taken_back_is_renewed(rig):
    rig.fake.expire = 0
    async with rig.open() as chat:
        assert await chat.is_admin(CHAT, "ou_manager")
        many = len(rig.fake.tokens)
        rig.fake.expire = 7200
        await chat.is_admin(CHAT, "ou_manager")
        assert len(rig.fake.tokens) == many + 1
        rig.fake.tokens[:] = []
        assert await chat.is_admin(CHAT, "ou_manager")
        assert len(rig.fake.tokens) == 1


async def test_limits_are_waited_for(rig, chat):
    rig.fake.limited = 1
    begun = time.monotonic()
    await chat.reply(CHAT, None, None, "so")
    assert time.monotonic() - begun >= 1
    assert len(rig.said()) == 1


async def test_refusals_say_what_is_missing(rig, chat):
    with pytest.raises(LarkError, match="permission") as found:
        await chat.reply(CHAT, None, f"lark:{CHAT}:om_unknown", "so")
    assert found.value.code == 230099
    assert not await chat.retract(CHAT, f"lark:{CHAT}:om_not_ours")


async def test_a_server_that_stays_away_is_an_error(rig, chat):
    rig.break_server(100)
    with pytest.raises(PlatformError, match="base_url"):
        await chat.reply(CHAT, None, None, "so")


async def test_a_port_that_is_taken_is_an_error_and_nothing_stays_open(rig, chat):
    taken = rig.open()
    taken.receiver.port = chat.receiver.port
    with pytest.raises(PlatformError, match="another host or port"):
        async with taken:
            pytest.fail("entered")
    with pytest.raises((RuntimeError, aiohttp.ClientError)):
        await taken.reply(CHAT, None, None, "so")

"""What is the generic webhook's own; the rest is in test_contract.py."""

import asyncio
import json
import os
import time
from datetime import UTC, datetime, timedelta

import pytest
from bot_fakes import REPO
from contract import heard
from fake_hook import ROOM, SECRET, signed
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook
from webhook_rig import WebhookRig

from bot.adapters import webhook_signature
from bot.adapters.push import Refused
from bot.adapters.webhook import WebhookChat
from models.errors import PlatformError, SettingsError
from models.settings import WebhookSettings

KEY = webhook_signature.key_of(SECRET)


@pytest.fixture
async def rig(tmp_path, monkeypatch):
    async with WebhookRig(tmp_path, monkeypatch) as opened:
        yield opened


@pytest.fixture
async def chat(rig):
    async with rig.open() as opened:
        yield opened


async def post(rig, frame, **more):
    body = frame if isinstance(frame, bytes) else json.dumps(frame).encode()
    return await rig.fake.pusher.once(signed(body, **more) if body else {}, body)


@given(body=st.text().map(str.encode), message_id=st.text("abcXYZ019_-", min_size=1, max_size=40))
def test_we_sign_as_the_standard_says(body, message_id):
    now = int(time.time())
    headers = webhook_signature.signed(KEY, message_id, now, body)
    expected = Webhook(SECRET).sign(message_id, datetime.fromtimestamp(now, UTC), body.decode())
    assert headers["webhook-signature"] == expected
    webhook_signature.check(KEY, headers, body, now)


@given(st.binary(max_size=40), st.binary(max_size=40), st.text(max_size=20), st.text(max_size=20))
def test_only_what_was_signed_passes(body, other, one_id, other_id):
    now = 1_700_000_000
    headers = webhook_signature.signed(KEY, one_id, now, body)
    if (other, other_id) != (body, one_id):
        with pytest.raises(Refused):
            webhook_signature.check(KEY, headers | {"webhook-id": other_id}, other, now)


def test_in_a_rotation_one_of_two_signatures_suffices():
    now = 1_700_000_000
    headers = webhook_signature.signed(KEY, "a", now, b"x")
    both = headers | {"webhook-signature": f"v1,AAAA v2,BBBB {headers['webhook-signature']}"}
    webhook_signature.check(KEY, both, b"x", now)


@pytest.mark.parametrize(("away_s", "fits"), [(0, True), (299, True), (-299, True), (301, False), (-301, False)])
def test_old_requests_and_those_of_the_future_are_refused(away_s, fits):
    headers = webhook_signature.signed(KEY, "a", 1_700_000_000, b"x")
    if fits:
        webhook_signature.check(KEY, headers, b"x", 1_700_000_000 + away_s)
    else:
        with pytest.raises(Refused, match="300 seconds"):
            webhook_signature.check(KEY, headers, b"x", 1_700_000_000 + away_s)


@pytest.mark.parametrize(("secret", "said"), [("short", "needs 24"), ("whsec_!!", "no base64"), ("whsec_AAAA", "24")])
def test_a_weak_secret_is_refused(monkeypatch, secret, said):
    monkeypatch.setenv("HOOK", secret)
    with pytest.raises(SettingsError, match=said):
        WebhookChat(WebhookSettings(secret_env="HOOK"))


def test_a_secret_may_be_plain_text():
    assert webhook_signature.key_of("correct horse battery staple") == b"correct horse battery staple"


async def test_what_is_forged_is_refused_and_never_an_event(rig, chat):
    frame = rig.fake.frame("8", text="hello")
    body = json.dumps(frame).encode()
    good = signed(body)
    for headers, sent in [
        ({}, body),
        (good, body + b" "),
        (good | {"webhook-signature": "v1,é"}, body),
        (good | {"webhook-id": "other"}, body),
        (signed(body, secret="whsec_" + "A" * 40), body),
        (signed(body, at=datetime.now(UTC) - timedelta(minutes=6)), body),
        (good | {"webhook-timestamp": "now"}, body),
    ]:
        status, said = await rig.fake.pusher.once(headers, sent)
        assert status == 401, said
    rig.say("8", "the real one")
    assert [event.text for event in await heard(chat)] == ["the real one"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"id": None}, "id: "),
        ({"id": ""}, "id: "),
        ({"room": 7}, "room: "),
        ({"sender": "x" * 201}, "sender: "),
        ({"text": None}, "text: "),
        ({"sent_at": "yesterday"}, "sent_at: "),
        ({"sent_at": "2026-01-05T12:00:00"}, "sent_at: "),
        ({"sent_at": "0001-01-01T00:00:00Z"}, "sent_at: "),
        ({"sent_at": "9999-12-31T23:59:59Z"}, "sent_at: "),
        ({"sent_at": 1e300}, "sent_at: "),
        ({"kind": "edit"}, "target: "),
        ({"kind": 7}, "kind: "),
        ({"room": "\ud800"}, "room: "),
    ],
)
async def test_a_frame_with_a_fault_is_refused_and_the_fault_named(rig, chat, change, said):
    status, answer = await post(rig, rig.fake.frame("8", text="hello") | change)
    assert status == 400
    assert said in answer


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"\xff\xfe".decode("latin-1").encode(), b"[" * 100_000])
async def test_what_is_no_object_is_refused(rig, chat, body):
    assert (await post(rig, body))[0] == 400


async def test_what_is_too_long_or_no_post_is_refused(rig, chat):
    assert (await post(rig, b"x" * 300_000))[0] == 413
    assert (await rig.fake.pusher.once({}, b"", "GET"))[0] == 405


async def test_the_sender_in_the_documentation_is_heard(rig, chat):
    lines = (REPO / "docs" / "adapters.md").read_text(encoding="utf-8").splitlines()
    begin = lines.index("A sender in the shell (a test runs it):") + 2
    end = lines.index("", begin)
    script = "\n".join(line.strip() for line in lines[begin:end]).replace(":8712/", f":{chat.receiver.port}/")
    script = script.replace("2026-01-05T12:00:00Z", datetime.now(UTC).isoformat())
    sending = await asyncio.create_subprocess_exec(
        "bash", "-c", script, env={**os.environ, "QUANDARY_WEBHOOK_SECRET": SECRET}, stdout=asyncio.subprocess.PIPE
    )
    [event] = await heard(chat)
    said, _ = await sending.communicate()
    assert (event.sender, event.text, json.loads(said)) == ("ann", "how do I install it?", {"id": "17"})


@pytest.mark.parametrize("kind", ["typing", "order", "nothing"])
async def test_kinds_that_are_not_known_are_acknowledged(rig, chat, kind):
    status, answer = await post(rig, rig.fake.frame("8", kind=kind))
    assert status == 200
    assert "ignored" in answer


async def test_times_may_be_seconds_and_unknown_fields_are_left_alone(rig, chat):
    rig.fake.push(rig.fake.frame("8", text="hello", sent_at=1767614400.5, mood="good") | {"id": "n1"})
    [event] = await heard(chat)
    assert event.sent_at == datetime(2026, 1, 5, 12, 0, 0, 500_000, tzinfo=UTC)


async def test_a_colon_in_a_rooms_name_makes_no_two_events_one(rig, chat):
    for room, number in (("a:b", "c"), ("a", "b:c")):
        rig.fake.pusher.push(
            (room, number),
            lambda room=room, number=number: (
                signed(body := json.dumps(rig.fake.frame("8", text="x") | {"room": room, "id": number}).encode()),
                body,
            ),
        )
    assert len({event.id for event in await heard(chat, 2)}) == 2


async def test_without_a_reply_url_nothing_is_said(rig, monkeypatch):
    async with WebhookChat(WebhookSettings(secret_env="HOOK", port=0)) as chat:
        with pytest.raises(PlatformError, match="reply_url"):
            await chat.reply(ROOM, None, None, "so")


async def test_a_reply_is_repeated_until_it_is_taken_and_said_once(rig, chat):
    rig.break_server(3)
    said = await chat.reply(ROOM, None, None, "so")
    assert [key for key, *_ in rig.said()] == [said]
    rig.break_server(4)
    with pytest.raises(PlatformError, match="502"):
        await chat.reply(ROOM, None, None, "so")


async def test_a_platform_that_takes_nothing_back_says_so(rig, chat):
    said = await chat.reply(ROOM, None, None, "so")
    rig.fake.deletes = False
    assert not await chat.retract(ROOM, said)


async def test_a_platform_with_another_secret_refuses_our_replies(rig, monkeypatch):
    monkeypatch.setenv("OTHER", "whsec_" + "A" * 40)
    settings = WebhookSettings(secret_env="OTHER", port=0, reply_url=f"{rig.fake.loopback.url}/replies")
    async with WebhookChat(settings) as chat:
        with pytest.raises(PlatformError, match="401"):
            await chat.reply(ROOM, None, None, "so")
        with pytest.raises(PlatformError, match="401"):
            await chat.retract(ROOM, "webhook:x:1")

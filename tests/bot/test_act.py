import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from bot_fakes import FakeDecider, said

from bot.act import STALE, Actor
from bot.answer import Answerer
from models.chat import Burst, WindowMessage
from models.decision import Route, Routing
from models.errors import PlatformError, SettingsError
from models.settings import AnswerSettings, MannersSettings, Rooms
from models.store import bursts, decisions, inbox, pauses

NOW = datetime.now(UTC)
BURST = Burst(
    id="b1",
    platform="t",
    room="r",
    sender="a",
    text="where is it?",
    window=(WindowMessage(sender="b", text="the log"),),
    started_at=NOW,
    ended_at=NOW,
    message_ids=("t:r:1",),
    thread="th",
)


class Chat:
    name = "t"
    broken = False

    def __init__(self):
        self.said = []

    async def reply(self, *what):
        if self.broken:
            raise PlatformError("kicked out")
        self.said.append(what)
        return f"t:r:reply-{len(self.said)}"


class Answers:
    def __init__(self):
        self.asked = []

    async def answer(self, question, context):
        self.asked.append((question, context))
        return "in /var/log"


async def routed(settings, store, sure, at=NOW, burst=BURST):
    [made] = FakeDecider(settings.questions).decide([burst])
    made = [replace(d, sure=s, decided_at=at) for d, s in zip(made, sure, strict=True)]
    await store.do(bursts.close, [burst])
    routing = Routing(burst=burst.id, route=Route.ACT, reason="sure", audit=False, probability=1.0)
    await store.do(decisions.record, made, routing, None, at)


async def state(store):
    return await store.do(lambda db: [(r["state"], r["text"]) for r in db.query("SELECT state, text FROM replies")])


@pytest.mark.parametrize(("context", "window"), [("yes", BURST.window), ("no", ())])
async def test_a_reply_goes_to_the_thread_and_into_later_windows(settings, store, context, window):
    chat, answers = Chat(), Answers()
    await routed(settings, store, ("yes", context))
    await Actor(store, chat, answers, settings.questions, settings.rooms()).act("b1")
    assert answers.asked == [("where is it?", window)]
    assert chat.said == [("r", "th", "t:r:1", "in /var/log")]
    assert await state(store) == [("sent", "in /var/log")]
    assert await store.do(decisions.unanswered) == []
    assert await store.do(inbox.unhandled) == []
    told = await store.do(lambda db: [(r["sender"], r["is_bot"]) for r in db.query("SELECT * FROM events")])
    assert told == [("quandary", 1)]


async def test_killed_while_sending_it_is_not_said_again(settings, store):
    class Killed(Chat):
        async def reply(self, *what):
            await super().reply(*what)
            raise KeyError("the power fails")

    await routed(settings, store, ("yes", "no"))
    with pytest.raises(KeyError):
        await Actor(store, Killed(), Answers(), settings.questions, settings.rooms()).act("b1")
    assert await state(store) == [("sending", "in /var/log")]
    assert await store.do(decisions.unanswered) == []


async def test_failures_and_old_bursts_are_written_down_without_a_reply(settings, store):
    chat = Chat()
    chat.broken = True
    await routed(settings, store, ("yes", "no"))
    await Actor(store, chat, Answers(), settings.questions, settings.rooms()).act("b1")
    assert await state(store) == [("failed", "")]


async def test_what_was_decided_long_ago_is_left_alone(settings, store):
    chat = Chat()
    await routed(settings, store, ("yes", "no"), NOW - STALE - timedelta(seconds=5))
    await Actor(store, chat, Answers(), settings.questions, settings.rooms()).act("b1")
    assert (chat.said, await state(store)) == ([], [("stale", "")])


def rules(settings, **manners):
    return Rooms(MannersSettings(**manners), settings.room)


async def burst_of(settings, store, number, sender="a", room="r", mentions=False):
    """A burst of one message that was routed to act."""
    message = replace(said(number, sender, 0, room=room), mentions_bot=mentions)
    burst = replace(BURST, id=f"b{number}", sender=sender, room=room, message_ids=(message.id,))
    await store.do(inbox.append, [message])
    await routed(settings, store, ("yes", "no"), burst=burst)
    return burst.id


async def states(store):
    return await store.do(lambda db: {r["burst"]: r["state"] for r in db.query("SELECT * FROM replies")})


async def test_an_hour_holds_no_more_replies_than_allowed_even_at_once(settings, store):
    chat = Chat()
    actor = Actor(
        store, chat, Answers(), settings.questions, rules(settings, replies_per_hour=3, replies_per_hour_to_member=2)
    )
    made = [await burst_of(settings, store, n, sender="ab"[n % 2], room="r") for n in range(6)]
    elsewhere = await burst_of(settings, store, 9, room="other")
    async with asyncio.TaskGroup() as tasks:
        for burst in [*made, elsewhere]:
            tasks.create_task(actor.act(burst))
    found = await states(store)
    assert found.pop(elsewhere) == "sent"
    assert sorted(found.values()).count("sent") == 3
    assert len(chat.said) == 4
    assert set(found.values()) == {"sent", "held back: enough replies in this room"}
    assert await store.do(decisions.unanswered) == []


async def test_a_held_back_reply_costs_no_answer_and_is_not_given_later(settings, store):
    chat, answers = Chat(), Answers()
    room = rules(settings, quiet_hours="00:00-23:59", mention_only=True)
    burst = await burst_of(settings, store, 1)
    await Actor(store, chat, answers, settings.questions, room).act(burst)
    assert await states(store) == {burst: "held back: not mentioned"}
    assert (chat.said, answers.asked, await store.do(decisions.unanswered)) == ([], [], [])
    assert (await store.do(decisions.routing_of, burst)).route is Route.ACT


async def test_what_mentions_the_bot_is_answered_where_others_are_not(settings, store):
    chat = Chat()
    actor = Actor(store, chat, Answers(), settings.questions, rules(settings, mention_only=True))
    for number, mentions in enumerate((False, True)):
        await actor.act(await burst_of(settings, store, number, mentions=mentions))
    assert [what[2] for what in chat.said] == ["t:r:1"]


async def test_a_paused_room_and_quiet_hours_are_silent(settings, store):
    chat, burst = Chat(), await burst_of(settings, store, 1)
    until = NOW + timedelta(hours=1)
    await store.do(pauses.pause, "r", NOW + timedelta(hours=2), "boss", NOW)
    actor = Actor(store, chat, Answers(), settings.questions, rules(settings), clock=lambda: NOW)
    await actor.act(burst)
    other = await burst_of(settings, store, 2, room="q")
    quiet = rules(settings, quiet_hours=f"{NOW:%H:%M}-{until:%H:%M}")
    await Actor(store, chat, Answers(), settings.questions, quiet, clock=lambda: NOW).act(other)
    assert chat.said == []
    assert await states(store) == {burst: "held back: paused", other: "held back: quiet hours"}
    assert await store.do(pauses.paused, NOW) == ["r"]
    assert await store.do(pauses.paused, NOW + timedelta(hours=2)) == []


async def test_an_answer_that_took_too_long_is_not_given(settings, store):
    now = [NOW]

    class Slow(Answers):
        async def answer(self, question, context):
            now[0] += STALE + timedelta(seconds=1)
            return await super().answer(question, context)

    chat, burst = Chat(), await burst_of(settings, store, 1)
    await Actor(store, chat, Slow(), settings.questions, rules(settings), clock=lambda: now[0]).act(burst)
    assert (chat.said, await states(store)) == ([], {burst: "stale"})


@pytest.fixture
async def endpoint():
    seen = []
    reply = {"status": 200, "json": {"choices": [{"message": {"content": " an answer "}}]}}

    async def complete(request):
        seen.append((request.headers.get("Authorization"), await request.json()))
        return web.json_response(reply["json"], status=reply["status"])

    app = web.Application()
    app.router.add_post("/v1/chat/completions", complete)
    async with TestServer(app) as server:
        yield f"http://127.0.0.1:{server.port}/v1", seen, reply


async def test_answers_come_from_an_openai_endpoint(endpoint, monkeypatch):
    url, seen, reply = endpoint
    monkeypatch.setenv("KEY_FOR_TEST", "k")
    async with Answerer(AnswerSettings(url=url, model="m", api_key_env="KEY_FOR_TEST")) as answerer:
        assert await answerer.answer("where?", BURST.window) == "an answer"
        key, body = seen[0]
        assert (key, body["model"]) == ("Bearer k", "m")
        assert "b: the log" in body["messages"][1]["content"]
        for broken in (
            {"status": 500},
            {"status": 200, "json": {"choices": []}},
            {"json": {"choices": [{"message": {"content": ""}}]}},
        ):
            reply.update(broken)
            with pytest.raises(PlatformError, match=r"127\.0\.0\.1"):
                await answerer.answer("where?", ())
    async with Answerer(AnswerSettings(url="http://127.0.0.1:9/v1")) as nobody:
        with pytest.raises(PlatformError, match="gave no answer"):
            await nobody.answer("where?", ())


async def test_a_missing_key_is_told(monkeypatch):
    monkeypatch.delenv("KEY_FOR_TEST", raising=False)
    with pytest.raises(SettingsError, match="KEY_FOR_TEST"):
        async with Answerer(AnswerSettings(url="http://x", api_key_env="KEY_FOR_TEST")):
            pytest.fail("entered")

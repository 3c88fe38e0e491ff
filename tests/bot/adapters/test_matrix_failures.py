"""Failures that a healthy Synapse does not show: a server on loopback answers as the specification and proxies do."""

import asyncio
import random

import pytest
from aiohttp import web

from bot.adapters.backoff import Backoff
from bot.adapters.matrix import MatrixChat
from models.chat import EventKind
from models.errors import PlatformError
from models.settings import MatrixSettings

USER = "@bot:quandary.test"
EMPTY = {"next_batch": "s2", "rooms": {}}


class Failing:
    """Gives its answers to sync one by one, and then goes on with empty ones."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.since = []

    async def sync(self, request):
        self.since.append(request.query.get("since"))
        status, body = self.answers.pop(0) if self.answers else (200, EMPTY)
        if isinstance(body, str):
            return web.Response(status=status, text=body, content_type="text/html")
        return web.json_response(body, status=status)

    async def __aenter__(self):
        app = web.Application()
        prefix = "/_matrix/client/v3"
        app.router.add_get(f"{prefix}/sync", self.sync)
        app.router.add_get(f"{prefix}/account/whoami", _json({"user_id": USER, "device_id": "d"}))
        app.router.add_get(f"{prefix}/profile/{{user}}/displayname", _json({"displayname": "bot"}))
        self.runner = web.AppRunner(app)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_):
        await self.runner.cleanup()


def _json(body):
    async def answer(_):
        return web.json_response(body)

    return answer


async def test_failures_that_may_pass_are_waited_out_from_the_same_position():
    waits = []

    async def sleep(seconds):
        waits.append(seconds)

    limited = {"errcode": "M_LIMIT_EXCEEDED", "error": "slow down", "retry_after_ms": 90_000}
    senseless = {**EMPTY, "rooms": {"join": {"!r:x": {"timeline": {"events": [3]}}}}}
    failures = [
        (200, senseless),
        (502, "<html>bad gateway</html>"),
        (429, limited),
        (200, "no json"),
        (500, {"errcode": "M_UNKNOWN"}),
    ]
    async with Failing(*failures) as server:
        settings = MatrixSettings(homeserver=server.url, user=USER)
        async with MatrixChat(settings, "t", sleep=sleep, rng=random.Random(1)) as chat:
            event = await anext(chat.events("s1"))
    assert (event.kind, event.cursor) == (EventKind.NOTHING, "s2")
    assert server.since == ["s1"] * 6
    assert len(waits) == 5
    assert 0.5 <= waits[0] <= 1.0
    assert waits[2] == 90.0
    assert waits[4] > 6.0


async def test_what_cannot_be_read_is_passed_over():
    sound = {"type": "m.room.message", "event_id": "$e", "sender": "@a:x", "origin_server_ts": 1}
    sound["content"] = {"msgtype": "m.text", "body": "hi"}
    junk = [
        {},
        {"type": "m.room.message"},
        {**sound, "content": {"body": 3, "msgtype": "m.text"}},
        {**sound, "event_id": None},
        {**sound, "type": "m.room.encryption"},
        {**sound, "type": "m.room.member", "content": {"membership": "join"}},
    ]
    timeline = {"events": [*junk, sound], "limited": False, "prev_batch": "s0"}
    body = {"next_batch": "s2", "rooms": {"join": {"!r:x": {"timeline": timeline, "state": {"events": junk[:5]}}}}}
    async with (
        Failing((200, body)) as server,
        MatrixChat(MatrixSettings(homeserver=server.url, user=USER), "t") as chat,
    ):
        event = await anext(chat.events("s1"))
    assert (event.id, event.text, event.cursor) == ("matrix:!r:x:$e", "hi", "s2")


@pytest.mark.parametrize(
    ("status", "code"), [(401, "M_UNKNOWN_TOKEN"), (403, "M_USER_DEACTIVATED"), (401, "M_USER_LOCKED")]
)
async def test_a_refused_account_is_tried_once(status, code):
    async with Failing((status, {"errcode": code, "error": "no"})) as server:
        async with MatrixChat(MatrixSettings(homeserver=server.url, user=USER), "t") as chat:
            with pytest.raises(PlatformError, match=r"log in anew.*matrix\.token_env"):
                await anext(chat.events("s1"))
        assert server.since == ["s1"]


async def test_a_cancelled_bot_stops_while_it_waits():
    async with Failing(*[(502, "bad gateway")] * 50) as server:
        async with MatrixChat(MatrixSettings(homeserver=server.url, user=USER), "t") as chat:
            waiting = asyncio.ensure_future(anext(chat.events("s1")))
            await asyncio.sleep(0.3)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        assert len(server.since) <= 2  # it does not spin


def test_backoff_doubles_is_bounded_spreads_and_begins_anew():
    backoff = Backoff(random.Random(3), base_s=1.0, max_s=60.0)
    waits = [backoff.failed() for _ in range(50)]
    for number, wait in enumerate(waits):
        whole = min(60.0, 2.0**number)
        assert whole / 2 <= wait <= whole
    assert len(set(waits)) == 50
    assert backoff.failed(120.0) == 120.0
    backoff.worked()
    assert backoff.failed() <= 1.0

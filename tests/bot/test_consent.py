"""Modes, opt-outs and introductions, through the live pipeline."""

import asyncio
import json
from datetime import UTC, datetime

import pytest
from bot_fakes import said, settings_in
from live_flow import Chat, pipeline

from bot.adapters.base import Capabilities
from bot.introduction import introduction
from bot.routing import NOT_ASKED
from bot.status import status
from models.chat import EventKind
from models.consent import Mode
from models.errors import PlatformError
from models.settings import AskSettings, MannersSettings, RoomTable
from models.store import bursts, consent, decisions, erasure, inbox, requests
from models.store.database import open_database
from models.store.thread import Store

pytestmark = pytest.mark.usefixtures("any_model")


def rooms(**modes):
    return tuple(RoomTable(id=room, mode=mode) for room, mode in modes.items())


class Live(Chat):
    """A chat that people read."""

    def __init__(self, events=(), fails=0):
        super().__init__(events, pace=1.0)
        self.fails = fails

    async def reply(self, room, thread, reply_to, text):
        if self.fails:
            self.fails -= 1
            raise PlatformError("no")
        self.said.append((room, thread, reply_to, text))
        return f"t:{room}:said-{len(self.said)}"


async def run(settings, store, chat, **more):
    async with pipeline(settings, store, chat.end(), **more) as live:
        await live.run()
        return live.tally


async def test_nothing_is_kept_of_a_room_that_is_off_but_the_cursor(tmp_path):
    settings = settings_in(tmp_path, room=rooms(off="off", on="listen"))
    events = [said(1, "a", 0, room="on"), said(2, "a", 1, room="off"), said(3, "b", 2, room="off")]
    async with Store(tmp_path) as store:
        tally = await run(settings, store, Chat(events))
        assert (tally.messages, tally.bursts) == (1, 1)
        assert await store.do(inbox.cursor, "t") == "3"
        assert await store.do(lambda db: [r["room"] for r in db.query("SELECT room FROM events")]) == ["on"]


async def test_a_room_that_listens_is_decided_and_nobody_is_asked(tmp_path):
    settings = settings_in(tmp_path, room=rooms(r="listen"), ask=AskSettings(audit_share=1.0))
    events = [said(number, "a", 60 * number) for number in range(20)]
    async with Store(tmp_path) as store:
        tally = await run(settings, store, Chat(events))
        assert (tally.bursts, tally.requested, tally.audited, tally.asked) == (20, 0, 0, 0)
        assert tally.acted + tally.passed == 20
        assert await store.do(requests.count) == {}
        found = await store.do(
            lambda db: [decisions.routing_of(db, r["id"]) for r in db.query("SELECT id FROM bursts")]
        )
        assert {routing.mode for routing in found} == {Mode.LISTEN}
        assert any(routing.reason.startswith(f"{NOT_ASKED} listen; unsure") for routing in found)
        told = await store.do(status, settings)
        assert told["rooms"]["modes"] == {"listen": 1}
        assert told["rooms"]["held"][0].startswith("nothing is asked about r: the mode there is listen")


async def test_what_an_opted_out_member_says_keeps_its_place_and_loses_its_text(tmp_path):
    settings = settings_in(tmp_path)
    async with Store(tmp_path) as store:
        await run(settings, store, Chat([said(1, "a", 0, "before")]))
        await store.do(consent.opt_out, "a", "r", datetime.now(UTC))
        events = [
            said(2, "a", 60, "unheard"),
            said(3, "a", 61, "unheard too", kind=EventKind.EDIT, target=1),
            said(4, "b", 120, "heard"),
            said(5, "a", 180, "elsewhere", room="q"),
        ]
        await run(settings, store, Chat(events))
        texts = await store.do(lambda db: {r["id"]: r["text"] for r in db.query("SELECT id, text FROM events")})
        assert texts == {"t:r:1": "before", "t:r:2": "", "t:r:4": "heard", "t:q:5": "elsewhere"}
        assert await store.do(inbox.unhandled) == []
        assert sorted((await store.do(bursts.count)).values()) == [3]
        await run(settings, store, Chat([said(6, "a", 240, "", kind=EventKind.DELETE, target=1)]))
        assert await store.do(lambda db: db.execute("SELECT text FROM events WHERE id = 't:r:1'").fetchone()) == ("",)


async def test_what_waits_of_members_who_opted_out_meanwhile_is_dropped_at_the_start(tmp_path):
    settings = settings_in(tmp_path)
    async with Store(tmp_path) as store:
        await store.do(inbox.append, [said(1, "a", 0, "waits"), said(2, "b", 1, "waits as well")])
        await store.do(consent.opt_out, "a", None, datetime.now(UTC))
        tally = await run(settings, store, Chat())
        assert tally.bursts == 1
        assert await store.do(lambda db: [r["text"] for r in db.query("SELECT text FROM events")]) == [
            "",
            "waits as well",
        ]


async def test_messages_forgotten_from_elsewhere_leave_open_bursts(tmp_path):
    settings = settings_in(tmp_path)
    chat = Chat([said(1, "a", 0, "secret")])
    async with Store(tmp_path) as store, pipeline(settings, store, chat) as live:
        running = asyncio.create_task(live.run())
        async with asyncio.timeout(10):
            while not await store.do(inbox.unhandled):  # noqa: ASYNC110 - the pipeline tells nobody
                await asyncio.sleep(0.02)
        other = open_database(tmp_path)
        erasure.forget_member(other, "a", None, datetime.now(UTC))
        other.close()
        chat.given.put_nowait(said(2, "b", 60, "next"))
        chat.end()
        await running
        assert await store.do(lambda db: [r["text"] for r in db.query("SELECT text FROM bursts")]) == ["next"]


async def test_a_room_is_told_once_what_the_bot_does(tmp_path):
    settings = settings_in(tmp_path, room=rooms(r="label", q="listen", off="off"))
    async with Store(tmp_path) as store:
        for chat in (
            Live(
                [
                    said(1, "a", 0, room="r"),
                    said(2, "a", 1, room="r"),
                    said(3, "b", 2, "你们好吗", room="q"),
                    said(4, "b", 3, room="off"),
                    said(5, "x", 4, room="bots", bot=True),
                ],
                fails=0,
            ),
            Live([said(6, "a", 9, room="r")]),
        ):
            await run(settings, store, chat)
            if chat.said:
                assert [(room, text) for room, _, _, text in chat.said] == [
                    ("r", introduction(Mode.LABEL, "en", 90)),
                    ("q", introduction(Mode.LISTEN, "zh", 90)),
                ]
        assert chat.said == []
        window = await store.do(inbox.window_before, "r", "t:r:6", 12)
        assert [m.id for m in window] == ["t:r:1", "t:r:2"]


async def test_a_room_that_could_not_be_told_is_told_later_and_not_in_quiet_hours(tmp_path):
    settings = settings_in(tmp_path)
    quiet = settings_in(tmp_path, manners=MannersSettings(quiet_hours="00:00-23:59"))
    async with Store(tmp_path) as store:
        for with_settings, fails, told in ((settings, 1, 0), (quiet, 0, 0), (settings, 0, 1), (settings, 0, 0)):
            number = len(await store.do(lambda db: list(db.query("SELECT id FROM events"))))
            chat = Live([said(100 + number, "a", number)], fails=fails)
            await run(with_settings, store, chat)
            assert len(chat.said) == told, (fails, told)


async def test_nobody_is_told_anything_by_a_replay(tmp_path):
    chat = Live([said(1, "a", 0)])
    chat.capabilities = Capabilities(pace=4.0, audience=False)
    async with Store(tmp_path) as store:
        await run(settings_in(tmp_path), store, chat)
    assert chat.said == []


@pytest.mark.parametrize("tongue", ["en", "zh"])
@pytest.mark.parametrize("mode", [Mode.LISTEN, Mode.LABEL, Mode.TRAIN])
def test_an_introduction_says_how_long_and_how_to_be_left_out(mode, tongue):
    text = introduction(mode, tongue, 30)
    assert "30" in text
    assert "!quandary" in text
    assert ("{" in text) is False


def test_a_platform_that_restricts_training_is_named_in_the_status(tmp_path):
    settings = settings_in(tmp_path)
    db = open_database(tmp_path)
    event = said(1, "a", 0)
    inbox.append(db, [event])
    db.execute(
        "INSERT INTO bursts (id, platform, room, sender, text, window, message_ids, started_at, ended_at, state) "
        "VALUES ('b', 'telegram', 'r', 'a', 't', '[]', '[]', 0, 0, 'routed')"
    )
    found = status(db, settings)["rooms"]
    assert found["modes"] == {"label": 1}
    assert "training_rights" in found["held"][0]
    assert json.dumps(found)

"""A group chat as platforms report it, and a bot in it that is started once for each run."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

from bot_fakes import Answers, SureDecider, said

from bot.act import Actor
from bot.adapters.base import Capabilities
from bot.pipeline import Pipeline
from bot.slot import ServingSlot
from bot.steward import Steward
from models.chat import EventKind
from models.errors import PlatformError
from models.store import consent

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


class Group:
    """A group chat with one admin; what the bot says is reported back, as platforms do."""

    name = "t"
    capabilities = Capabilities(pace=0.0, reactions=True)

    def __init__(self):
        self.given = asyncio.Queue()
        self.said, self.gone, self.broken, self.retracts = [], [], False, True

    def tell(self, *events):
        for event in events:
            self.given.put_nowait(event)
        return self

    async def events(self, cursor):
        while (event := await self.given.get()) is not None:
            yield event

    def durable(self, events):
        pass

    async def reply(self, room, thread, reply_to, text):
        if self.broken:
            raise PlatformError("kicked out")
        self.said.append((reply_to, text))
        number = f"bot-{len(self.said)}"
        self.tell(replace(said(number, "quandary", 0, text, room=room, bot=True), reply_to=reply_to))
        return f"t:{room}:{number}"

    async def retract(self, room, message):
        if self.broken:
            raise PlatformError("kicked out")
        self.gone.append(message)
        return self.retracts

    async def is_admin(self, room, member):
        if self.broken:
            raise PlatformError("kicked out")
        return member == "boss"


class House:
    """A pipeline with everything that a group meets; each ``run`` is a start of the bot."""

    def __init__(self, settings, store, group, rooms=None):
        self.settings, self.store, self.group = settings, store, group
        self.rooms = rooms or settings.rooms()
        self.now = NOW

    async def run(self, *events, decider=None):
        self.group.tell(*events)
        async with self._pipeline(decider) as live:
            running = asyncio.create_task(live.run())
            async with asyncio.timeout(20):
                while not self.group.given.empty() or not live._arrivals.empty():  # noqa: ASYNC110 - no event tells it
                    await asyncio.sleep(0.01)
                self.group.tell(None)
                await running
        while not self.group.given.empty():
            left = self.group.given.get_nowait()  # said at the very end, or the end itself: nobody is there to hear it
            assert left is None or left.is_bot
        return self

    @asynccontextmanager
    async def _pipeline(self, decider):
        settings, store = self.settings, self.store
        decider = decider or SureDecider(settings.questions)
        async with ServingSlot(settings, store, model="fake.gguf", opener=lambda *_: decider) as slot:
            steward = Steward(
                store, self.group, settings.questions, self.rooms,
                settings.manners.recall_reactions, clock=lambda: self.now,
            )  # fmt: skip
            actor = Actor(store, self.group, Answers(), settings.questions, self.rooms)
            yield Pipeline(settings=settings, store=store, adapter=self.group, slot=slot, actor=actor, steward=steward)

    @property
    def last(self):
        return self.group.said[-1][1]

    async def texts(self):
        return await self.store.do(lambda db: [row["text"] for row in db.query("SELECT text FROM events")])

    async def is_out(self, member, *rooms):
        return [await self.store.do(consent.is_out, member, room) for room in rooms]

    async def bursts(self):
        return await self.store.do(lambda db: [row["text"] for row in db.query("SELECT text FROM bursts")])


def order(number, sender, text, at=50, **more):
    return replace(said(number, sender, at, f"!quandary {text}"), **more)


def reaction(number, sender, key, target):
    return said(number, sender, 60, key, kind=EventKind.REACTION, target=target)


async def replied_to(house):
    """A question of "a" with a reply; returns the reply's number."""
    await house.run(said(1, "a", 0, "where is the log"))
    assert house.group.said == [("t:r:1", "in /var/log")]
    return "bot-1"

"""The live flow over a list of events: nobody answers, and a fake decides."""

import asyncio
from contextlib import asynccontextmanager

from bot_fakes import FakeDecider

from bot.adapters.base import Capabilities
from bot.pipeline import Pipeline
from bot.slot import ServingSlot


class Chat:
    """Events given as a list, or one by one."""

    name = "t"

    def __init__(self, events=(), pace=0.0):
        self.capabilities = Capabilities(pace=pace)
        self.given = asyncio.Queue()
        self.said = []
        self.on_disk = []
        for event in events:
            self.given.put_nowait(event)

    def end(self):
        self.given.put_nowait(None)
        return self

    async def events(self, cursor):
        while (event := await self.given.get()) is not None:
            yield event

    def durable(self, events):
        self.on_disk += [event.id for event in events]

    async def reply(self, room, thread, reply_to, text):
        self.said.append((room, thread, reply_to, text))
        return f"{reply_to}:reply"


@asynccontextmanager
async def pipeline(settings, store, chat, decider=None, **more):
    decider = decider or FakeDecider(settings.questions)
    async with ServingSlot(settings, store, model="fake.gguf", opener=lambda *_: decider) as slot:
        yield Pipeline(settings=settings, store=store, adapter=chat, slot=slot, **more)


async def run(settings, store, events, **more):
    async with pipeline(settings, store, Chat(events).end(), **more) as live:
        await live.run()
        return live.tally


async def ids(store):
    return await store.do(lambda db: [row["id"] for row in db.query("SELECT id FROM bursts ORDER BY started_at")])

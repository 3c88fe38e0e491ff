"""What every platform reports is in the inbox, once."""

import asyncio
from contextlib import asynccontextmanager, suppress

import pytest
from bot_fakes import FakeDecider
from contract import PATIENCE_S, able, hearing, over, until

from bot.pipeline import Pipeline
from bot.slot import ServingSlot
from models.store import inbox


@asynccontextmanager
async def running(rig, settings, store):
    """The whole pipeline over a rig's platform, killed at the end."""
    decider = FakeDecider(settings.questions)
    async with (
        ServingSlot(settings, store, model="fake.gguf", opener=lambda *_: decider) as slot,
        rig.open() as chat,
    ):
        live = asyncio.create_task(Pipeline(settings=settings, store=store, adapter=chat, slot=slot).run())
        try:
            yield live
        finally:
            live.cancel()
            with suppress(asyncio.CancelledError):
                await live


def members_events(db):
    """What the bot says of itself when it comes into a room is not among them."""
    return [row[0] for row in db.execute("SELECT id FROM events WHERE is_bot = 0")]


async def stored(store):
    return len(await store.do(members_events))


async def until_stored(store, count):
    async with asyncio.timeout(PATIENCE_S):
        while await stored(store) < count:  # noqa: ASYNC110 - another party is asked
            await asyncio.sleep(0.02)


@over(able("resumes"))
@pytest.mark.usefixtures("any_model")
async def test_what_was_said_while_the_bot_was_away_is_in_the_inbox_once(rig, settings, store):
    keys = [rig.say(rig.members[n % 2], f"message {n}") for n in range(20)]
    async with running(rig, settings, store):
        await until_stored(store, 20)
    keys += [rig.say(rig.members[n % 2], f"message {n}") for n in range(20, 40)]
    async with running(rig, settings, store):
        await until_stored(store, 40)
        if rig.acknowledges:
            for key in keys[::4]:
                rig.again(key)
            keys.append(rig.say(rig.members[0], "last"))
            await until_stored(store, 41)
            await until(lambda: all(rig.acknowledged(key) for key in keys))
    assert await stored(store) == len(keys)
    assert sorted(await store.do(members_events)) == sorted(keys)


@over(able("acknowledges"))
async def test_an_event_that_comes_twice_is_new_once(rig, store):
    rig.say(rig.members[1], "twice")
    async with rig.open() as chat, hearing(chat) as take:
        events = await take(1, durable=False)
    rig.say(rig.members[1], "once")
    async with rig.open() as chat, hearing(chat) as take:
        events += await take(2)
    assert sorted(event.text for event in events) == ["once", "twice", "twice"]
    assert sorted(event.text for event in await store.do(inbox.append, events)) == ["once", "twice"]

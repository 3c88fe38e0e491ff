import asyncio
import json
import threading
from collections import defaultdict
from itertools import islice

import pytest
from bot_fakes import FakeDecider
from naive_assembler import NaiveAssembler

from bot.arrivals import EVENTS_MAX
from bot.assembler import Assembler
from bot.bench.crowd import Crowd, made_up_texts, talk
from bot.bench.crowd_chat import CrowdChat
from bot.deadlines import SLACK
from bot.pipeline import Pipeline
from bot.slot import ServingSlot
from models.store import bursts, inbox
from models.store.placement import placement

CROWD = Crowd(rooms=200, members=1000, rate=50, seed=3)


@pytest.fixture(scope="module")
def events():
    return list(islice(talk(CROWD, made_up_texts(3, 200)), 2000))


@pytest.fixture
def stub(tmp_path):
    (tmp_path / "stub.gguf").touch()
    return str(tmp_path / "stub.gguf")


def expected(events, limits):
    """Bursts as a loop over all of them makes them, with the messages before each in its room."""
    naive, rooms, closed = NaiveAssembler(limits), defaultdict(list), []
    before = {}
    for event in events:
        before[event.id] = [(e.sender, e.text) for e in rooms[event.room][-limits.window :]]
        rooms[event.room].append(event)
        closed += naive.advance(event.sent_at, event.room) + naive.push(event)
    return {tuple(e.id for e in burst): before[burst[0].id] for burst in closed + naive.flush()}


async def found(store):
    rows = await store.do(lambda db: [bursts.burst_of(row) for row in db.query("SELECT * FROM bursts")])
    return {row.message_ids: [(m.sender, m.text) for m in row.window] for row in rows}


async def flow(settings, store, stub, chat, decider=None):
    decider = decider or FakeDecider(settings.questions)
    async with ServingSlot(settings, store, model=stub, opener=lambda *_: decider) as slot:
        await Pipeline(settings=settings, store=store, adapter=chat, slot=slot).run()


async def test_many_rooms_give_exactly_the_bursts_and_windows_of_a_naive_loop(settings, store, stub, events):
    await flow(settings, store, stub, CrowdChat(events))
    assert await found(store) == expected(events, settings.burst)
    placed = await store.do(placement)
    assert (placed.messages, placed.placed) == (2000, 2000)
    assert await store.do(bursts.count) == {"routed": len(await found(store))}


async def test_stopped_and_started_again_gives_the_same_bursts(settings, store, stub, events):
    class Endless(CrowdChat):
        async def events(self, cursor):
            async for event in super().events(cursor):
                yield event
            await asyncio.Event().wait()

    chat = Endless(events[:1000])
    running = asyncio.create_task(flow(settings, store, stub, chat))
    async with asyncio.timeout(30):
        while chat.durable_events < 1000:  # noqa: ASYNC110 - what is waited for knows no event
            await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    placed = await store.do(placement)
    assert placed.open > 0
    assert (placed.messages, placed.open + placed.placed) == (1000, 1000)
    await flow(settings, store, stub, CrowdChat(events[900:]))  # a reconnect reports some again
    assert await found(store) == expected(events, settings.burst)


async def test_a_model_that_stands_still_holds_up_neither_inbox_nor_bursts(settings, store, stub, events):
    go = threading.Event()

    class Stuck(FakeDecider):
        def decide(self, bursts):
            if bursts[0].id != "probe":
                go.wait(60)
            return super().decide(bursts)

    chat = CrowdChat(events)
    running = asyncio.create_task(flow(settings, store, stub, chat, Stuck(settings.questions)))
    try:
        async with asyncio.timeout(60):
            while (await store.do(placement)).placed < 2000:  # noqa: ASYNC110 - what is waited for knows no event
                await asyncio.sleep(0.02)
        assert (await store.do(placement)).undecided == len(await found(store))
    finally:
        go.set()
        await running
    assert (await store.do(placement)).undecided == 0


async def test_a_chat_faster_than_the_disk_is_made_to_wait(settings, store, stub, events):
    ahead = []

    class Watched(CrowdChat):
        async def events(self, cursor):
            async for event in super().events(cursor):
                ahead.append(self.handed_over - self.durable_events)
                yield event

    await flow(settings, store, stub, Watched(events))
    assert max(ahead) <= 4 * EVENTS_MAX + 2 * EVENTS_MAX  # the queue, and a batch on either side of the disk


async def test_what_has_no_place_is_counted(settings, store, stub, events):
    await flow(settings, store, stub, CrowdChat(events[:100]))
    [lost, doubled] = [burst for burst in await found(store) if len(burst) == 1][:2]

    def spoil(db):
        db.execute("DELETE FROM bursts WHERE message_ids = ?", [json.dumps(lost)])
        db.execute(
            "INSERT INTO bursts SELECT 'copy', platform, room, thread, sender, text, window, message_ids, started_at, "
            "ended_at, state, closed_at FROM bursts WHERE message_ids = ?",
            [json.dumps(doubled)],
        )

    await store.do(spoil)
    await store.do(inbox.append, [events[100]])
    placed = await store.do(placement)
    assert (placed.messages, placed.placed, placed.lost, placed.doubled, placed.open) == (101, 98, 1, 1, 1)


def test_long_talk_leaves_nothing_behind_in_memory(settings):
    assembler, most = Assembler(settings.burst), 0
    for event in islice(talk(CROWD, ["hm"]), 20_000):
        assembler.advance(event.sent_at, event.room)
        assembler.push(event)
        most = max(most, len(assembler))
    assert most <= CROWD.members
    assert len(assembler._deadlines._heap) <= 2 * len(assembler) + SLACK
    assert sum(len(room.bursts) for room in assembler._rooms.values()) == len(assembler)
    assert len(assembler._of_message) == sum(len(one.texts) for one in assembler._open.values())


async def test_a_backlog_is_read_from_an_index_and_never_sorted(store):
    def plan(db):
        seen = []
        db.conn.set_trace_callback(seen.append)
        bursts.undecided(db, 16)
        db.conn.set_trace_callback(None)
        [sql] = [statement for statement in seen if statement.startswith("SELECT")]
        return [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {sql}")]

    assert await store.do(plan) == ["SCAN bursts USING INDEX bursts_undecided"]

import asyncio
import contextlib
import json
import os
import random
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from bot_fakes import REPO, FakeDecider, said, settings_in
from live_flow import Chat, ids, pipeline, run

from bot.adapters.replay import ReplayChat
from models.chat import EventKind
from models.labels import RequestState
from models.settings import AskSettings, BurstSettings
from models.store import bursts, decisions, inbox, requests
from models.store.database import open_database
from models.store.thread import Store

HERE = Path(__file__).parent
pytestmark = pytest.mark.usefixtures("any_model")


def figures(data_dir):
    """Everything that must not depend on crashes."""
    db = open_database(data_dir)
    routes = {b["id"]: decisions.routing_of(db, b["id"]) for b in db.query("SELECT id FROM bursts")}
    kept = {
        "bursts": {b: replace(bursts.get(db, b)) for b in routes},
        "routes": routes,
        "decisions": {b: [replace(d, decided_at=None) for d in decisions.decisions_of(db, b)] for b in routes},
        "requests": {r.id: (r.burst, r.strategy, r.blind) for r in requests.in_state(db, RequestState.PENDING)},
        "events": [tuple(row) for row in db.execute("SELECT seq, id, text, handled, burst FROM events ORDER BY seq")],
    }
    db.close()
    return kept


def child(data_dir, file):
    """A pipeline in a process of its own, from the moment when it begins."""
    running = subprocess.Popen(
        [sys.executable, HERE / "crash_child.py", data_dir, file],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(REPO)},
    )
    assert running.stdout.readline() == b"begins\n"
    return running


def test_killed_at_any_point_nothing_is_lost_and_nothing_asked_twice(tmp_path, excerpt):
    rows = [json.loads(line) for line in excerpt.read_text(encoding="utf-8").splitlines()]
    again = [{**row, "id": row["id"] + 1_000_000, "room": "other"} for row in rows]
    file = tmp_path / "chat.jsonl"
    mixed = [row for pair in zip(rows, again, strict=True) for row in pair]
    file.write_text("".join(json.dumps(row) + "\n" for row in mixed), encoding="utf-8")
    assert child(tmp_path / "whole", file).wait(60) == 0
    rng = random.Random(7)
    for _ in range(5):
        with child(tmp_path / "killed", file) as running:
            time.sleep(rng.random() * 0.8)
            running.kill()
    assert child(tmp_path / "killed", file).wait(60) == 0
    whole, killed = figures(tmp_path / "whole"), figures(tmp_path / "killed")
    assert len(whole["events"]) == 200
    assert len(whole["requests"]) > 10
    assert all(row[3] == 1 for row in whole["events"])
    for name in whole:
        assert killed[name] == whole[name], name


async def test_the_adapter_hears_what_is_on_disk_and_hears_it_of_repeated_events_too(settings, store):
    chat = Chat([said(1, "a", 0), said(2, "b", 1), said(1, "a", 0)]).end()

    def hear(events):
        with contextlib.closing(open_database(settings.data_dir)) as db:
            for event in events:
                assert db.execute("SELECT count(*) FROM events WHERE id = ?", [event.id]).fetchone() == (1,)
        chat.on_disk += [event.id for event in events]

    chat.durable = hear
    async with pipeline(settings, store, chat) as live:
        await live.run()
    assert chat.on_disk == ["t:r:1", "t:r:2", "t:r:1"]


async def test_a_real_stretch_flows_through_whole(settings, store, excerpt):
    seen = []
    async with (
        ReplayChat(excerpt) as chat,
        pipeline(settings, store, chat, on_routed=lambda *r: seen.append(r)) as live,
    ):
        await live.run()
    tally = live.tally
    assert (tally.messages, tally.bursts) == (100, 80)
    assert len(seen) == tally.acted + tally.asked + tally.passed == 80
    assert tally.decisions == 2 * 80
    assert await store.do(bursts.count) == {"routed": 80}
    assert tally.requested == (await store.do(requests.count))["pending"]
    assert await store.do(inbox.unhandled) == []


async def test_running_again_does_nothing_again(settings, store, excerpt):
    for expected in (100, 0):
        async with ReplayChat(excerpt) as chat, pipeline(settings, store, chat) as live:
            await live.run()
        assert live.tally.messages == expected
    assert live.tally.bursts == 0


async def test_budget_is_the_days_over_restarts(tmp_path, excerpt):
    settings = settings_in(tmp_path, ask=AskSettings(daily_budget=5, paced=False, skip_alike=False, audit_share=0.0))
    async with Store(tmp_path) as store:
        events = [said(n, f"m{n}", n) for n in range(40)]
        first = await run(settings, store, events[:20])
        second = await run(settings, store, events[20:])
    assert (first.requested, first.picked, second.requested) == (5, 5, 0)
    assert first.unsure > 5
    assert second.unsure > 0


async def test_windows_hold_all_senders_and_bots_and_are_bounded(settings, store):
    events = [said(0, "bot", 0, "beep", bot=True), said(1, "b", 1, "y" * 5000), said(2, "a", 50, "hm")]
    await run(settings, store, events)
    waiting = [await store.do(bursts.get, row) for row in await ids(store)]
    [last] = [burst for burst in waiting if burst.text == "hm"]
    assert [(m.sender, len(m.text)) for m in last.window] == [("bot", 4), ("b", 2000)]
    assert not any(burst.sender == "bot" for burst in waiting)


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what is waited for knows no event
            await asyncio.sleep(0.01)


async def test_a_quiet_burst_closes_by_the_clock_and_an_open_one_survives_a_stop(tmp_path):
    settings = settings_in(tmp_path, burst=BurstSettings(gap_s=1.0))
    async with Store(tmp_path) as store:
        chat = Chat([said(1, "a", 0)], pace=4.0)
        async with pipeline(settings, store, chat) as live:
            running = asyncio.create_task(live.run())
            await until(lambda: live.tally.passed + live.tally.acted + live.tally.asked == 1)
            chat.given.put_nowait(said(2, "a", 100))
            await until(lambda: live.tally.messages == 2)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
        assert [e.id for e in await store.do(inbox.unhandled)] == ["t:r:2"]
        assert (await run(settings, store, [said(3, "a", 100.5)])).bursts == 1
        last = await store.do(bursts.get, (await ids(store))[-1])
        assert last.message_ids == ("t:r:2", "t:r:3")


async def test_a_cursor_moves_without_an_event(settings, store):
    await run(settings, store, [said(1, "a", 0), said(2, "", 1, "", kind=EventKind.NOTHING)])
    assert await store.do(inbox.cursor, "t") == "2"
    assert await store.do(lambda db: [row["id"] for row in db.query("SELECT id FROM events")]) == ["t:r:1"]


async def test_what_the_model_cannot_read_is_asked(settings, store):
    settings = settings.model_copy(update={"ask": AskSettings(audit_share=0.0, paced=False, skip_alike=False)})
    decider = FakeDecider(settings.questions, fails=lambda text: text == "bad")
    tally = await run(
        settings, store, [said(n, f"m{n}", n, "bad" if n == 3 else None) for n in range(6)], decider=decider
    )
    assert tally.bursts == tally.acted + tally.asked + tally.passed == 6
    assert tally.decisions == 10


async def test_the_loop_stays_free_while_a_model_decides(settings, store):
    decider = FakeDecider(settings.questions, delay_s=0.3)
    gaps = []

    async def tick():
        before = time.perf_counter()
        while True:
            await asyncio.sleep(0.005)
            gaps.append(time.perf_counter() - before)
            before = time.perf_counter()

    ticking = asyncio.create_task(tick())
    await run(settings, store, [said(n, f"m{n}", n) for n in range(40)], decider=decider)
    ticking.cancel()
    assert len(decider.batches) >= 3
    gaps.sort()
    assert gaps[len(gaps) * 95 // 100] < 0.05
    assert gaps[-1] < 0.25  # a busy host may be late, but never as late as a batch takes


async def test_acts_are_carried_out_once(settings, store):
    acted = []

    class Actor:
        async def act(self, burst):
            acted.append(burst)
            await store.do(
                decisions.record_reply, burst, "", "sent", await store.do(lambda db: said(0, "a", 0).sent_at)
            )

    events = [said(n, f"m{n}", n) for n in range(80)]
    tally = await run(settings, store, events, actor=Actor())
    assert len(acted) == len(set(acted)) == tally.acted > 4
    await run(settings, store, [], actor=Actor())
    assert len(acted) == tally.acted

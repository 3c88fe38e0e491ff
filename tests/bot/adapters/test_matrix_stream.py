"""500 messages of five members through a real Synapse: live, with everything killed in between, and after a gap."""

import contextlib
import os
import random
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from bot_fakes import REPO

from models.store import bursts
from models.store.database import FILE, open_database

MESSAGES = 500
GAP_MS, AGE_MS, COUNT = 60_000, 600_000, 20
"""[burst] times five, and so are the pauses: a slow host's own seconds, which the bot's clock counts, stay small."""
WINDOW = 12
SLOW_S = 150
CHILD = Path(__file__).parents[1] / "matrix_child.py"


class Bot:
    """A bot in a process of its own."""

    def __init__(self, server, folder):
        self.account = server.register("bot")
        self.user = self.account.user
        self.folder = folder
        self._url = server.url
        self._running = None

    def start(self):
        command = [sys.executable, CHILD, self.folder, self._url, self.user]
        environment = {**os.environ, "PYTHONPATH": str(REPO)}
        with (self.folder.parent / f"{self.folder.name}.log").open("ab") as log:
            self._running = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=log, stderr=log, env=environment, start_new_session=True
            )
        self._running.stdin.write(self.account.token.encode() + b"\n")
        self._running.stdin.close()

    def kill(self):
        assert self._running.poll() is None, "it ended by itself"
        self._running.kill()
        self._running.wait()

    def has(self, native):
        with (
            contextlib.suppress(sqlite3.OperationalError),  # not made yet
            contextlib.closing(sqlite3.connect(self.folder / FILE)) as db,
        ):
            return db.execute("SELECT 1 FROM events WHERE id LIKE ?", [f"%{native}"]).fetchone() is not None
        return False

    def wait_for(self, native):
        until = time.monotonic() + SLOW_S
        while not self.has(native) and time.monotonic() < until:
            time.sleep(0.05)
        assert self.has(native), self.folder.with_suffix(".log").read_text()[-2000:]

    def enter(self, room, member, at_ms):
        """Start, and be spoken to until the bot listens: what was said before it came is not for it."""
        self.start()
        asked = []
        while not any(map(self.has, asked)):
            assert len(asked) < SLOW_S, self.folder.with_suffix(".log").read_text()[-2000:]
            asked.append(member.say(room, "are you there", at_ms=at_ms))
            time.sleep(0.5)

    def grouped(self):
        """Message ids, text and window of every burst that was decided."""
        with contextlib.closing(open_database(self.folder)) as db:
            found = [bursts.get(db, row["id"]) for row in db.query("SELECT burst AS id FROM routes")]
        return {burst.message_ids: (burst.text, tuple(m.text for m in burst.window)) for burst in found}


def expected(room, history, begin):
    """What should have been grouped from place ``begin`` on, by the rule itself; the last message is still open."""
    groups, open_groups = [], {}
    for place, event in enumerate(history):
        group = open_groups.get(event["sender"])
        at = event["origin_server_ts"]
        if group is None or at - group[-1][1] > GAP_MS or at - group[0][1] > AGE_MS or len(group) == COUNT:
            groups.append(group := [])
            open_groups[event["sender"]] = group
        group.append((place, at))
    bodies = [event["content"]["body"] for event in history]
    return {
        tuple(f"matrix:{room}:{history[place]['event_id']}" for place, _ in group): (
            "\n".join(bodies[place] for place, _ in group),
            tuple(bodies[max(0, group[0][0] - WINDOW) : group[0][0]]),
        )
        for group in groups[:-1]
        if group[0][0] >= begin
    }


@pytest.mark.timeout(600)
def test_500_messages_by_five_members_are_grouped_exactly_live_through_kills_and_after_a_gap(homeserver, tmp_path):
    live, later = Bot(homeserver, tmp_path / "live"), Bot(homeserver, tmp_path / "later")
    speakers = [homeserver.member(name) for name in ("ann", "bea", "cem", "dan", "eve")]
    room = speakers[0].create_room(live.user, later.user, *(member.user for member in speakers[1:]))
    for member in speakers[1:]:
        member.join(room)
    # Events carry times of this morning, so that hours of talk fit into seconds; nothing waits for a clock.
    at = int(time.time() * 1000) - 12 * 3_600_000
    for bot in (live, later):
        bot.enter(room, speakers[0], at)
    later.kill()
    at += 3_600_000
    rng = random.Random(5)
    kills = {MESSAGES // 5, MESSAGES // 2, MESSAGES * 4 // 5}
    speaker, first, said = speakers[0], None, None
    for number in range(MESSAGES):
        if rng.random() < 0.6:
            speaker = rng.choice(speakers)
        at += int(rng.choice((4_000, 12_000, 25_000, 45_000)) * rng.uniform(0.5, 1.5))
        if number in kills:
            live.kill()
            live.start()
        if number == MESSAGES // 3:
            live.wait_for(said)  # it is up: a bot that starts without a server says so, and ends
            homeserver.kill()
            homeserver.start()
            at += 1_200_000  # the bot's clock ran on while nobody could speak
        said = speaker.say(room, f"{number} said by {speaker.user}", at_ms=at)
        first = first or said
    last = speakers[1].say(room, "and that was it", at_ms=at + 3_600_000)
    later.start()
    live.wait_for(last)
    later.wait_for(last)
    history = speakers[2].history(room)
    assert len(history) > MESSAGES
    # The windows of the first few reach back to when the second bot was not there yet.
    begin = next(place for place, event in enumerate(history) if event["event_id"] == first) + WINDOW
    wanted = expected(room, history, begin)
    assert any(len(ids) > 1 for ids in wanted)
    assert len(wanted) > MESSAGES // 5
    for bot in (live, later):
        until = time.monotonic() + SLOW_S
        while not wanted.keys() <= bot.grouped().keys() and time.monotonic() < until:
            time.sleep(0.1)
        bot.kill()
        known = {event for ids in wanted for event in ids}
        assert {ids: told for ids, told in bot.grouped().items() if known & set(ids)} == wanted
    assert any("gap" in line for line in (tmp_path / "later.log").read_text().splitlines())

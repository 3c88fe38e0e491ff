"""`quandary up` on a real Synapse with the real Argilla: three lines, an edit, and a redaction that reaches all."""

import asyncio
import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.queue_access import argilla_of
from labeling.annotator import Annotator
from labeling.desk import Desk
from models.settings import load_settings
from models.store.database import FILE, open_database
from retrain.cycle import frozen
from tests.homeserver import Member

ROOT = Path(__file__).parents[2]
THREE_LINES = """\
chat.adapter = "matrix"
matrix.homeserver = "{url}"
matrix.user = "{user}"
"""
OF_THE_TEST = """\
argilla.port = 0
"""
LABELLING = """\
decide.model = "starter-base-xs"
decide.threads = 1
ask.audit_share = 0.0
ask.paced = false
ask.skip_alike = false
schedule.pull_s = 0.5
schedule.top_up_s = 0.5
schedule.retrain_after_labels = 100000
room = [{ id = "*", mode = "train", training_rights = true }]
"""
ROOMS, EACH = 6, 5
SLOW_S = 120.0
HOUR_MS, HALF_HOUR_MS = 3_600_000, 1_800_000
"""Events carry times of earlier today, so that nothing waits for a clock."""
SECRET = "how do I hide the xylophone from my neighbours"
REPHRASED = "where can I buy a second marimba"


class Up:
    """``quandary up`` as people start it."""

    def __init__(self, config: Path, token: str) -> None:
        self.config, self.home = config, config.parent / "var"
        self._environment = {**os.environ, "QUANDARY_MATRIX_TOKEN": token, "PYTHONPATH": str(ROOT)}

    def __enter__(self) -> "Up":
        command = [sys.executable, "-c", "from bot.cli import main; main()", "--config", self.config, "up"]
        with (self.config.parent / "up.log").open("ab") as log:
            self.running = subprocess.Popen(
                command, stdout=log, stderr=log, env=self._environment, start_new_session=True
            )
        return self

    def __exit__(self, *_: object) -> None:
        self.running.send_signal(signal.SIGTERM)
        assert self.running.wait(60) == 0, self.log()

    def log(self) -> str:
        return (self.config.parent / "up.log").read_text(encoding="utf-8")[-3000:]

    def rows(self, sql: str, *arguments: object, file: str = FILE) -> list[tuple]:
        try:
            with contextlib.closing(sqlite3.connect(self.home / file, timeout=30)) as db:
                return db.execute(sql, arguments).fetchall()
        except sqlite3.OperationalError as error:
            if not str(error).startswith(("unable to open", "no such table")):
                raise
            return []  # not made yet

    async def until(self, condition, *arguments) -> None:
        end = time.monotonic() + SLOW_S
        while not condition(*arguments):
            assert self.running.poll() is None, self.log()
            assert time.monotonic() < end, f"{condition.__name__} did not come true:\n{self.log()}"
            await asyncio.sleep(0.05)


class Group:
    """A room's member and the bot, as a test sees them: through the server and through the bot's files."""

    def __init__(self, up: Up, user: str, ann: Member) -> None:
        self.up, self.user, self.ann = up, user, ann
        # A conversation is a half-hour of a room: what is said within one must not fall into two, whatever the time is.
        self.begin = int(time.time() * 1000) // HALF_HOUR_MS * HALF_HOUR_MS - 6 * HOUR_MS

    async def enter(self) -> str:
        room = self.ann.create_room(self.user)
        await self.up.until(lambda: self.user in self.ann.members(room))
        return room

    async def heard(self, room: str, at: int) -> None:
        """Speak until the bot has heard something: what was said before it came is not for it."""
        for number in range(200):
            event = self.ann.say(room, f"hello {number}", at_ms=at + number * 20_000)
            await asyncio.sleep(0.3)
            if self.burst(event) is not None:
                return
        raise AssertionError(self.up.log())

    def burst(self, event: str) -> tuple | None:
        """The event's row, with its burst if that has closed."""
        return next(iter(self.up.rows("SELECT burst FROM events WHERE id LIKE ?", f"%{event}")), None)

    def requests(self, state: str) -> int:
        return len(self.up.rows("SELECT 1 FROM requests WHERE state = ?", state))

    def labelled(self, burst: str) -> bool:
        return self.up.rows("SELECT 1 FROM labels WHERE burst = ?", burst) != []

    def in_argilla(self, text: str) -> bool:
        return self.up.rows("SELECT 1 FROM records WHERE fields LIKE ?", f"%{text}%", file="argilla/argilla.db") != []

    def next_dataset(self) -> str:
        settings = load_settings(self.up.config)
        with contextlib.closing(open_database(self.up.home)) as db:
            dataset = frozen(settings, db, datetime.now(UTC))
        return (dataset.path / "items.jsonl").read_text(encoding="utf-8")


@pytest.fixture
def group(homeserver, tmp_path) -> Group:
    account = homeserver.register("quandary")
    config = tmp_path / "config.toml"
    text = THREE_LINES.format(url=homeserver.url, user=account.user) + OF_THE_TEST
    config.write_text(text, encoding="utf-8")
    return Group(Up(config, account.token), account.user, homeserver.member("ann"))


async def test_up_with_three_lines_comes_when_invited_and_decides(group):
    with group.up as up:
        await group.heard(await group.enter(), group.begin)
        await up.until(lambda: up.rows("SELECT 1 FROM routes") != [])
        assert up.rows("SELECT DISTINCT question FROM decisions WHERE question = 'is_question'") != []


@pytest.mark.timeout(600)
async def test_an_edit_and_a_redaction_reach_store_argilla_and_the_next_dataset(group):
    with group.up.config.open("a", encoding="utf-8") as config:
        config.write(LABELLING)
    settings = load_settings(group.up.config)
    with group.up as up:
        rooms = [await group.enter() for _ in range(ROOMS)]
        for room in rooms:
            await group.heard(room, group.begin)
        said = []
        for number in range(ROOMS * EACH):
            text = SECRET if number == 0 else f"how do I mount disk number {number}"
            said.append(group.ann.say(rooms[number % ROOMS], text, at_ms=group.begin + 3 * HOUR_MS + number * 60_000))
        group.ann.say(rooms[-1], "thanks", at_ms=group.begin + 5 * HOUR_MS)
        await up.until(lambda: group.in_argilla(SECRET) and group.requests("pending") == 0)
        (redacted,), (edited,) = group.burst(said[0]), group.burst(said[1])

        before = up.rows("SELECT max(decided_at) FROM decisions WHERE burst = ?", edited)
        group.ann.edit(rooms[1], said[1], REPHRASED)
        await up.until(lambda: group.in_argilla(REPHRASED))
        assert up.rows("SELECT text FROM bursts WHERE id = ?", edited) == [(REPHRASED,)]
        await up.until(lambda: up.rows("SELECT max(decided_at) FROM decisions WHERE burst = ?", edited) > before)

        await up.until(lambda: group.requests("sent") >= ROOMS * EACH)
        async with argilla_of(settings) as (url, key), Desk(url, key, settings.questions) as desk:
            password = await desk.add_annotator("nat")
        async with Annotator(url, "nat", password) as nat:
            answers = {"is_question": "yes", "needs_context": "no"}
            await nat.submit_all(dict.fromkeys(await nat.pending(), answers))
        await up.until(lambda: group.requests("sent") == 0)
        assert group.labelled(edited)
        assert group.labelled(redacted)
        first = group.next_dataset()
        assert SECRET in first
        assert REPHRASED in first

        group.ann.redact(rooms[0], said[0])
        await up.until(lambda: not group.labelled(redacted))
        await up.until(lambda: not group.in_argilla(SECRET) and group.in_argilla(REPHRASED))
        following = group.next_dataset()
        assert SECRET not in following
        assert REPHRASED in following
        for table, column in (("events", "text"), ("bursts", "text"), ("bursts", "window")):
            assert up.rows(f"SELECT 1 FROM {table} WHERE {column} LIKE ?", f"%{SECRET}%") == []

"""What the contract suite needs of a platform: a rig each, over the real thing or a fake that speaks its frames.

A rig speaks for the members (``say``, ``edit``, ``delete``, ``react``), makes adapters (``open``), and tells what the
platform knows: what it heard acknowledged, and what the bot said. A new platform's rig has a file of its own, adds
itself to RIGS and gets the suite.
"""

import asyncio
import io
import json
import os
import time
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime

import pytest

from bot.adapters.backoff import Backoff
from bot.adapters.base import Capabilities
from bot.adapters.console import ConsoleChat
from bot.adapters.replay import ReplayChat

PATIENCE_S = 40
"""A busy host is slow; what hangs, hangs longer."""


async def until(true):
    async with asyncio.timeout(PATIENCE_S):
        while not true():  # noqa: ASYNC110 - another party is asked
            await asyncio.sleep(0.01)


def hasty():
    return Backoff(base_s=0.01, max_s=0.02)


@asynccontextmanager
async def hearing(chat):
    """Take the next so many events; what is taken is called durable unless told otherwise."""
    async with aclosing(chat.events(None)) as events:

        async def take(count, *, durable=True):
            taken = []
            async with asyncio.timeout(PATIENCE_S):
                while len(taken) < count:
                    taken.append(await anext(events))
                    if durable:
                        chat.durable(taken[-1:])
            return taken

        yield take


async def heard(chat, count=1):
    """The next so many events, taken as durable."""
    async with hearing(chat) as take:
        return await take(count)


class Rig:
    """One platform under test."""

    capabilities = Capabilities()
    server = False
    """There is a server that can fail."""
    resumes = True
    """What was said while the bot was away arrives later."""
    acknowledges = False
    """The platform keeps an event until it is acknowledged."""
    retracts = False
    many = 120
    """Messages that a platform delivers in more than one piece."""
    members = ("7", "8")
    """Two members; the first rules."""

    def __init__(self, folder, monkeypatch):
        self.folder, self.monkeypatch = folder, monkeypatch
        self.fixture = None
        """Gives fixtures by name, for rigs that need a server of many tests."""

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        pass

    def break_server(self, times):
        raise NotImplementedError


class ConsoleRig(Rig):
    resumes = False
    members = ("you", "Ann")
    room = "console"

    async def __aenter__(self):
        self.reading, self.writing = os.pipe()
        return self

    async def __aexit__(self, *_):
        os.close(self.writing)
        await asyncio.sleep(0.05)  # the reading thread sees the end

    def open(self):
        return ConsoleChat(self.reading, io.StringIO())

    def say(self, sender, text, **_):
        os.write(self.writing, f"{sender}: {text}\n".encode())

    def said(self):
        return None


class ReplayRig(Rig):
    room = "r"
    capabilities = Capabilities(pace=0.0, audience=False)
    count = 0

    def open(self):
        self.chat = ReplayChat(self.folder / "chat.jsonl")
        return self.chat

    def say(self, sender, text, *, reply_to=None, **_):
        self.count += 1
        row = {"id": self.count, "room": self.room, "sender": sender, "text": text, "timestamp": time.time()}
        row["reply_to"] = None if reply_to is None else int(reply_to.rpartition(":")[2])
        with (self.folder / "chat.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        return f"replay:r:{self.count}"

    def said(self):
        return None


RIGS = {
    "console": ConsoleRig,
    "replay": ReplayRig,
}


def able(what):
    """The rigs of the platforms that can do something: a capability, or another flag of Rig."""
    return [name for name, rig in RIGS.items() if getattr(rig, what, False) or getattr(rig.capabilities, what, False)]


def now():
    return datetime.now(UTC)


def over(names):
    return pytest.mark.parametrize("rig", list(names), indirect=True)

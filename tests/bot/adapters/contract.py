"""What the contract suite needs of a platform: a rig each, over the real thing or a fake that speaks its frames.

A rig speaks for the members (``say``, ``edit``, ``delete``, ``react``), makes adapters (``open``), and tells what the
platform knows: what it heard acknowledged, and what the bot said. A new platform adds a rig to RIGS and gets the suite.
"""

import asyncio
import io
import json
import os
import time
from datetime import UTC, datetime

from fake_hook import ROOM, FakeHook
from fake_hook import SECRET as HOOK_SECRET
from fake_lark import APP, KEY, VERIFICATION, FakeLark
from fake_lark import CHAT as LARK_CHAT
from fake_lark import ME as LARK_ME
from fake_lark import SECRET as LARK_SECRET
from fake_telegram import CHAT as TELEGRAM_CHAT
from fake_telegram import TOKEN, FakeTelegram

from bot.adapters.backoff import Backoff
from bot.adapters.base import Capabilities
from bot.adapters.console import ConsoleChat
from bot.adapters.lark import LarkChat
from bot.adapters.replay import ReplayChat
from bot.adapters.telegram import TelegramChat
from bot.adapters.webhook import WebhookChat
from models.settings import LarkSettings, TelegramSettings, WebhookSettings

PATIENCE_S = 40
"""A busy host is slow; what hangs, hangs longer."""


async def until(true):
    async with asyncio.timeout(PATIENCE_S):
        while not true():  # noqa: ASYNC110 - another party is asked
            await asyncio.sleep(0.01)


def hasty():
    return Backoff(base_s=0.01, max_s=0.02)


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


class TelegramRig(Rig):
    capabilities = Capabilities(threads=True, edits=True, reactions=True, history=True)
    server = acknowledges = retracts = True
    room = str(TELEGRAM_CHAT)
    thumb, thread = "👍", "42"

    async def __aenter__(self):
        self.monkeypatch.setenv("TG", TOKEN)
        self.monkeypatch.setenv("TG_BAD", TOKEN[:-1] + "x")
        self.fake = await FakeTelegram().__aenter__()
        self.of = {}
        return self

    async def __aexit__(self, *_):
        await self.fake.__aexit__()

    def open(self, token_env="TG"):
        settings = TelegramSettings(token_env=token_env, base_url=self.fake.loopback.url, poll_s=1)
        return TelegramChat(settings, backoff=hasty())

    def open_with_bad_credentials(self):
        return self.open("TG_BAD")

    def say(self, sender, text, *, thread=None, reply_to=None, mention=False, bot=False):
        more = {} if thread is None else {"message_thread_id": int(thread), "is_topic_message": True}
        if mention:
            text = f"@quandary_bot {text}"
            more["entities"] = [{"type": "mention", "offset": 0, "length": 13}]
        if reply_to is not None:
            first = self.fake.message(sender, "earlier") | {"message_id": int(reply_to.split(":")[2])}
            more["reply_to_message"] = first
        message = self.fake.message(sender, text, **more)
        message["from"]["is_bot"] = bot
        return self._send(message["message_id"], message=message)

    def edit(self, said, sender, text):
        message = self.fake.message(sender, text) | {"message_id": int(said.split(":")[2])}
        return self._send(message["message_id"], edited_message=message | {"edit_date": int(time.time())})

    def react(self, said, sender):
        change = {"chat": self.fake.chat, "message_id": int(said.split(":")[2]), "user": self.fake.user(sender)}
        change |= {"date": int(time.time()), "old_reaction": [], "new_reaction": [{"type": "emoji", "emoji": "👍"}]}
        return self._send(change["message_id"], message_reaction=change)

    def _send(self, number, **update):
        said = f"telegram:{self.room}:{number}"
        self.of[said] = self.fake.update(**update)
        return said

    def again(self, said):
        if self.of[said] not in self.fake.updates:  # a server that forgot the confirmation
            self.fake.updates.insert(0, self.of[said])

    def acknowledged(self, said):
        return self.of[said] not in self.fake.updates

    def break_server(self, times):
        self.fake.loopback.broken = times

    def said(self):
        return [
            (f"telegram:{self.room}:{number}", thread, text, None if to is None else f"telegram:{self.room}:{to}")
            for number, thread, to, text in self.fake.said
        ]

    def taken_back(self, said):
        return said.split(":")[2] in self.fake.deleted


class LarkRig(Rig):
    capabilities = Capabilities(threads=True, deletes=True, reactions=True)
    server = acknowledges = retracts = True
    room = LARK_CHAT
    members = ("ou_owner", "ou_somebody")
    thumb, thread = "THUMBSUP", "omt_d4be107c616aed9c1da8ed8068570a9f"

    async def __aenter__(self):
        values = {"LK_SECRET": LARK_SECRET, "LK_KEY": KEY, "LK_TOKEN": VERIFICATION, "LK_BAD": "no such secret"}
        for name, value in values.items():
            self.monkeypatch.setenv(name, value)
        self.chat, self.pushes = None, {}
        self.fake = await FakeLark(self.address).__aenter__()
        return self

    async def __aexit__(self, *_):
        await self.fake.__aexit__()

    def address(self):
        return f"http://127.0.0.1:{1 if self.chat is None else self.chat.receiver.port}/lark"

    def open(self, secret_env="LK_SECRET"):
        settings = LarkSettings(
            app_id=APP,
            app_secret_env=secret_env,
            encrypt_key_env="LK_KEY",
            verification_token_env="LK_TOKEN",
            base_url=self.fake.loopback.url,
            port=0,
        )
        self.chat = LarkChat(settings, backoff=hasty())
        return self.chat

    def open_with_bad_credentials(self):
        return self.open("LK_BAD")

    def say(self, sender, text, *, thread=None, reply_to=None, mention=False, bot=False):
        more = {} if thread is None else {"thread_id": thread}
        if reply_to is not None:
            more |= {"parent_id": reply_to.split(":")[2], "root_id": reply_to.split(":")[2]}
        if mention:
            text = f"@_user_1 {text}"
            more["mentions"] = [{"key": "@_user_1", "id": {"open_id": LARK_ME}, "name": "Quandary"}]
        number, event = self.fake.message(sender, text, **more)
        if bot:
            event["event"]["sender"]["sender_type"] = "app"
        return self._push(number, event)

    def delete(self, said, _):
        event = {"message_id": said.split(":")[2], "chat_id": LARK_CHAT, "recall_type": "message_owner"}
        event["recall_time"] = str(int(time.time() * 1000))
        return self._push(event["message_id"], self.fake.event("im.message.recalled_v1", event))

    def react(self, said, sender):
        event = {"message_id": said.split(":")[2], "operator_type": "user", "user_id": {"open_id": sender}}
        event |= {"reaction_type": {"emoji_type": "THUMBSUP"}, "action_time": str(int(time.time() * 1000))}
        return self._push(event["message_id"], self.fake.event("im.message.reaction.created_v1", event))

    def _push(self, number, event):
        said = f"lark:{LARK_CHAT}:{number}"
        self.pushes[said] = event
        self.fake.push(event)
        return said

    def again(self, said):
        event = self.pushes[said]
        self.fake.pusher.taken.discard(event["header"]["event_id"])
        self.fake.push(event)

    def acknowledged(self, said):
        return self.pushes[said]["header"]["event_id"] in self.fake.pusher.taken

    def break_server(self, times):
        self.fake.loopback.broken = times

    def said(self):
        return [
            (f"lark:{LARK_CHAT}:{number}", in_thread, text, None if to is None else f"lark:{LARK_CHAT}:{to}")
            for number, in_thread, to, text in self.fake.said.values()
        ]

    def taken_back(self, said):
        return said.split(":")[2] in self.fake.recalled


class WebhookRig(Rig):
    capabilities = Capabilities(threads=True, edits=True, deletes=True, reactions=True)
    server = acknowledges = retracts = True
    room = ROOM
    thumb, thread = "+1", "thread: 1"

    async def __aenter__(self):
        self.monkeypatch.setenv("HOOK", HOOK_SECRET)
        self.chat, self.frames = None, {}
        self.fake = await FakeHook(self.address).__aenter__()
        return self

    async def __aexit__(self, *_):
        await self.fake.__aexit__()

    def address(self):
        return f"http://127.0.0.1:{1 if self.chat is None else self.chat.receiver.port}/events"

    def open(self):
        url = f"{self.fake.loopback.url}/replies"
        settings = WebhookSettings(secret_env="HOOK", port=0, reply_url=url, admins=("7",))
        self.chat = WebhookChat(settings, backoff=hasty())
        return self.chat

    @staticmethod
    def native(said):
        return None if said is None else said.split(":", 2)[2]

    @staticmethod
    def key(native):
        return None if native is None else f"webhook:tea room%3A 1:{native}"

    def say(self, sender, text, *, thread=None, reply_to=None, mention=False, bot=False):
        more = {"thread": thread, "reply_to": self.native(reply_to), "mentions_bot": mention, "bot": bot}
        return self._push(self.fake.frame(sender, text=text, **more))

    def edit(self, said, sender, text):
        return self._push(self.fake.frame(sender, kind="edit", text=text, target=self.native(said)))

    def delete(self, said, sender):
        return self._push(self.fake.frame(sender, kind="delete", target=self.native(said)))

    def react(self, said, sender):
        return self._push(self.fake.frame(sender, kind="reaction", text="+1", target=self.native(said)))

    def _push(self, frame):
        said = self.key(frame["id"])
        self.frames[said] = frame
        self.fake.push(frame)
        return said

    def again(self, said):
        self.fake.pusher.taken.discard(self.frames[said]["id"])
        self.fake.push(self.frames[said])

    def acknowledged(self, said):
        return self.frames[said]["id"] in self.fake.pusher.taken

    def break_server(self, times):
        self.fake.loopback.broken = times

    def said(self):
        return [(self.key(number), thread, text, self.key(to)) for number, thread, to, text in self.fake.said.values()]

    def taken_back(self, said):
        return self.native(said) in self.fake.gone


RIGS = {
    "console": ConsoleRig,
    "replay": ReplayRig,
    "telegram": TelegramRig,
    "lark": LarkRig,
    "webhook": WebhookRig,
}


def able(what):
    """The rigs of the platforms that can do something: a capability, or another flag of Rig."""
    return [name for name, rig in RIGS.items() if getattr(rig, what, False) or getattr(rig.capabilities, what, False)]


def now():
    return datetime.now(UTC)

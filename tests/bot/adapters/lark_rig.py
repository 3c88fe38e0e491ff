"""The contract suite's rig for Lark."""

import time

from contract import RIGS, Rig, hasty
from fake_lark import APP, CHAT, KEY, ME, SECRET, VERIFICATION, FakeLark

from bot.adapters.base import Capabilities
from bot.adapters.lark import LarkChat
from models.settings import LarkSettings


class LarkRig(Rig):
    capabilities = Capabilities(threads=True, deletes=True, reactions=True)
    server = acknowledges = retracts = True
    room = CHAT
    members = ("ou_owner", "ou_somebody")
    thumb, thread = "THUMBSUP", "omt_d4be107c616aed9c1da8ed8068570a9f"

    async def __aenter__(self):
        values = {"LK_SECRET": SECRET, "LK_KEY": KEY, "LK_TOKEN": VERIFICATION, "LK_BAD": "no such secret"}
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
            more["mentions"] = [{"key": "@_user_1", "id": {"open_id": ME}, "name": "Quandary"}]
        number, event = self.fake.message(sender, text, **more)
        if bot:
            event["event"]["sender"]["sender_type"] = "app"
        return self._push(number, event)

    def delete(self, said, _):
        event = {"message_id": said.split(":")[2], "chat_id": CHAT, "recall_type": "message_owner"}
        event["recall_time"] = str(int(time.time() * 1000))
        return self._push(event["message_id"], self.fake.event("im.message.recalled_v1", event))

    def react(self, said, sender):
        event = {"message_id": said.split(":")[2], "operator_type": "user", "user_id": {"open_id": sender}}
        event |= {"reaction_type": {"emoji_type": "THUMBSUP"}, "action_time": str(int(time.time() * 1000))}
        return self._push(event["message_id"], self.fake.event("im.message.reaction.created_v1", event))

    def _push(self, number, event):
        said = f"lark:{CHAT}:{number}"
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
            (f"lark:{CHAT}:{number}", in_thread, text, None if to is None else f"lark:{CHAT}:{to}")
            for number, in_thread, to, text in self.fake.said.values()
        ]

    def taken_back(self, said):
        return said.split(":")[2] in self.fake.recalled


RIGS["lark"] = LarkRig

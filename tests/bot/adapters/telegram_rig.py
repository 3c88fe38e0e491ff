"""The contract suite's rig for Telegram."""

import time

from contract import RIGS, Rig, hasty
from fake_telegram import CHAT, TOKEN, FakeTelegram

from bot.adapters.base import Capabilities
from bot.adapters.telegram import TelegramChat
from models.settings import TelegramSettings


class TelegramRig(Rig):
    capabilities = Capabilities(threads=True, edits=True, reactions=True, history=True)
    server = acknowledges = retracts = True
    room = str(CHAT)
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


RIGS["telegram"] = TelegramRig

"""The contract suite's rig for the generic webhook."""

from contract import RIGS, Rig, hasty
from fake_hook import ROOM, SECRET, FakeHook

from bot.adapters.base import Capabilities
from bot.adapters.webhook import WebhookChat
from models.settings import WebhookSettings


class WebhookRig(Rig):
    capabilities = Capabilities(threads=True, edits=True, deletes=True, reactions=True)
    server = acknowledges = retracts = True
    room = ROOM
    thumb, thread = "+1", "thread: 1"

    async def __aenter__(self):
        self.monkeypatch.setenv("HOOK", SECRET)
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


RIGS["webhook"] = WebhookRig

"""The contract suite's rig for Matrix: over the real server. Its failures are in test_matrix_failures.py."""

from contract import RIGS, Rig, until

from bot.adapters.base import Capabilities
from bot.adapters.matrix import MatrixChat
from models.chat import EventKind
from models.settings import MatrixSettings


class Resumed(MatrixChat):
    """A bot that has been here before: without a cursor it goes on from ``start``. Mere moves it keeps to itself."""

    start = ""

    async def events(self, cursor):
        async for event in super().events(cursor or self.start):
            if event.kind is not EventKind.NOTHING:
                yield event


class MatrixRig(Rig):
    capabilities = Capabilities(threads=True, edits=True, deletes=True, reactions=True, history=True)
    retracts = True
    thumb = "👍"
    many = 30

    async def __aenter__(self):
        server = self.fixture("homeserver")
        self.account = server.register("quandary")
        self.settings = MatrixSettings(homeserver=server.url, user=self.account.user)
        self.people = {person.user: person for person in (server.member("ann"), server.member("ben"))}
        self.members = tuple(self.people)
        ann, ben = self.people.values()
        self.room = ann.create_room(self.account.user, ben.user)
        ben.join(self.room)
        async with MatrixChat(self.settings, self.account.token) as chat:
            entering = chat.events(None)
            await anext(entering)
            await until(lambda: self.account.user in ann.members(self.room))
            root = ann.say(self.room, "a thread begins")
            while not (event := await anext(entering)).id.endswith(root):
                pass
            self.start, self.thread = event.cursor, root
            await entering.aclose()
        return self

    def open(self):
        chat = Resumed(self.settings, self.account.token)
        chat.start = self.start
        return chat

    def key(self, native):
        return f"matrix:{self.room}:{native}"

    def native(self, said):
        return said.removeprefix(f"matrix:{self.room}:")

    def say(self, sender, text, *, thread=None, reply_to=None, mention=False, bot=False):
        content = {"msgtype": "m.notice" if bot else "m.text", "body": text}
        relation = {} if reply_to is None else {"m.in_reply_to": {"event_id": self.native(reply_to)}}
        if thread is not None:
            relation |= {"rel_type": "m.thread", "event_id": thread, "is_falling_back": False}
        if relation:
            content["m.relates_to"] = relation
        if mention:
            content |= {"body": f"Quandary: {text}", "m.mentions": {"user_ids": [self.account.user]}}
        return self.key(self.people[sender].send(self.room, content))

    def edit(self, said, sender, text):
        return self.key(self.people[sender].edit(self.room, self.native(said), text))

    def delete(self, said, sender):
        return self.key(self.people[sender].redact(self.room, self.native(said)))

    def react(self, said, sender):
        return self.key(self.people[sender].react(self.room, self.native(said), self.thumb))

    def said(self):
        found = []
        for event in self.people[self.members[0]].history(self.room):
            content = event["content"]
            relation = content.get("m.relates_to", {})
            answered = relation.get("m.in_reply_to", {}).get("event_id")
            if event["sender"] == self.account.user and "body" in content:
                to = None if answered is None else self.key(answered)
                found.append((self.key(event["event_id"]), relation.get("event_id"), content["body"], to))
        return found

    def taken_back(self, said):
        return said not in [key for key, *_ in self.said()]


RIGS["matrix"] = MatrixRig

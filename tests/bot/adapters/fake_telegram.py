"""A Bot API server on loopback, with the frames of core.telegram.org/bots/api."""

import asyncio
import json
import re
import time

from aiohttp import web
from loopback import Loopback

TOKEN = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
CHAT, BOT = -1001234567890, 110201543
DEFAULT_KINDS = ["message", "edited_message"]  # without allowed_updates there are no reactions


class FakeTelegram:
    def __init__(self):
        self.loopback = Loopback([("POST", "/bot{token}/{method}", self._take)])
        self.chat = {"id": CHAT, "type": "supergroup", "title": "group", "is_forum": True}
        self.me = {"id": BOT, "is_bot": True, "first_name": "Quandary", "username": "quandary_bot"}
        self.me["can_read_all_group_messages"] = True
        self.admins = [{"status": "creator", "is_anonymous": False, "user": self.user("7")}]
        self.next_update, self.next_message, self.said = 1000, 1, []
        self.updates, self.deleted, self.calls, self.answers = [], [], [], {}
        self.polling = None

    async def __aenter__(self):
        await self.loopback.__aenter__()
        return self

    async def __aexit__(self, *_):
        await self.loopback.__aexit__()

    @staticmethod
    def user(member, **more):
        return {"id": int(member), "is_bot": False, "first_name": f"member {member}", **more}

    def message(self, member, text, **more):
        number, self.next_message = self.next_message, self.next_message + 1
        return {
            "message_id": number,
            "from": self.user(member),
            "chat": self.chat,
            "date": int(time.time()),
            "text": text,
            **more,
        }

    def update(self, **what):
        self.updates.append({"update_id": self.next_update, **what})
        self.next_update += 1
        return self.updates[-1]

    def answer_next(self, method, status, description, **parameters):
        """Let the next call of a method fail."""
        frame = {"ok": False, "error_code": status, "description": description}
        if parameters:
            frame["parameters"] = parameters
        self.answers.setdefault(method, []).append((status, frame))

    async def _take(self, request):
        method, form = request.match_info["method"], await request.post()
        self.calls.append((method, dict(form)))
        if request.match_info["token"] != TOKEN:
            return self._refuse(401, "Unauthorized")
        if self.answers.get(method):
            status, frame = self.answers[method].pop(0)
            return web.json_response(frame, status=status)
        return await getattr(self, "_" + re.sub("[A-Z]", lambda big: f"_{big[0].lower()}", method))(form)

    @staticmethod
    def _refuse(status, description):
        frame = {"ok": False, "error_code": status, "description": description}
        return web.json_response(frame, status=status)

    @staticmethod
    def _give(result):
        return web.json_response({"ok": True, "result": result})

    async def _get_me(self, _):
        return self._give(self.me)

    async def _get_updates(self, form):
        if self.polling is not None and not self.polling.done():
            self.polling.set_result(None)
        mine = self.polling = asyncio.get_running_loop().create_future()
        if "offset" in form:
            self.updates = [update for update in self.updates if update["update_id"] >= int(form["offset"])]
        kinds = json.loads(form["allowed_updates"]) if form.get("allowed_updates") else DEFAULT_KINDS
        until = time.monotonic() + float(form.get("timeout", 0))
        while not mine.done():
            found = [update for update in self.updates if set(update) & {*kinds, "unheard_of"}][:100]
            if found or time.monotonic() > until:
                return self._give(found)
            await asyncio.sleep(0.01)
        return self._refuse(
            409, "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
        )

    async def _send_message(self, form):
        if len(form["text"]) > 4096:
            return self._refuse(400, "Bad Request: message is too long")
        if int(form["chat_id"]) != CHAT:
            return self._refuse(400, "Bad Request: chat not found")
        message = self.message(BOT, form["text"])
        message["from"] = self.me
        if "message_thread_id" in form:
            message |= {"message_thread_id": int(form["message_thread_id"]), "is_topic_message": True}
        answered = json.loads(form["reply_parameters"])["message_id"] if "reply_parameters" in form else None
        self.said.append((str(message["message_id"]), form.get("message_thread_id"), answered, form["text"]))
        return self._give(message)

    async def _delete_message(self, form):
        if not any(number == form["message_id"] for number, *_ in self.said):
            return self._refuse(400, "Bad Request: message can't be deleted")
        self.deleted.append(form["message_id"])
        return self._give(True)

    async def _get_chat_administrators(self, _):
        return self._give([admin | {"can_be_edited": False} for admin in self.admins])

"""A platform of one's own: it posts events and takes replies, both signed by the Standard Webhooks library."""

import json
import uuid
from datetime import UTC, datetime

from aiohttp import web
from loopback import Loopback, Pusher
from standardwebhooks import Webhook, WebhookVerificationError

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw0f1YgC5ePJ4="
ROOM = "tea room: 1"


def signed(body, *, at=None, secret=SECRET):
    message_id, at = f"msg_{uuid.uuid4().hex}", at or datetime.now(UTC)
    signature = Webhook(secret).sign(message_id, at, body.decode())
    return {"webhook-id": message_id, "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}


class FakeHook:
    def __init__(self, address):
        self.loopback = Loopback([("POST", "/replies", self._take)])
        self.pusher = Pusher(address)
        self.said, self.gone, self.count, self.deletes = {}, [], 0, True

    async def __aenter__(self):
        await self.loopback.__aenter__()
        await self.pusher.__aenter__()
        return self

    async def __aexit__(self, *_):
        await self.pusher.__aexit__()
        await self.loopback.__aexit__()

    def frame(self, sender, **more):
        self.count += 1
        now = datetime.now(UTC).isoformat()
        return {"id": f"m:{self.count}", "room": ROOM, "sender": sender, "sent_at": now, **more}

    def push(self, frame):
        body = json.dumps(frame).encode()
        self.pusher.push(frame["id"], lambda: (signed(body), body))

    async def _take(self, request):
        body = await request.read()
        try:
            frame = Webhook(SECRET).verify(body, dict(request.headers))
        except WebhookVerificationError:
            return web.Response(status=401)
        if frame["kind"] == "delete":
            if not self.deletes:
                return web.Response(status=501)
            self.gone.append(frame["target"])
            return web.Response(status=204)
        number, *_ = self.said.setdefault(
            request.headers["webhook-id"],
            (f"said:{len(self.said)}", frame["thread"], frame["reply_to"], frame["text"]),
        )
        return web.json_response({"id": number})

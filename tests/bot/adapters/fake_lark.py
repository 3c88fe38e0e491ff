"""Lark's open platform on loopback: it pushes events, signed and encrypted as documented, and takes calls."""

import base64
import hashlib
import json
import os
import time

from aiohttp import web
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from loopback import Loopback, Pusher

APP, SECRET, KEY, VERIFICATION = "cli_9f5343c580712544", "dskLLdkasdjlasdKK", "kudryavka-17", "rvaYgkND1GOiu5MM0E1r"
CHAT, ME = "oc_5ce6d572455d361153b7cb51da133945", "ou_the_bot"


def seal(key, push):
    """{"encrypt": base64(iv + AES-256-CBC(sha256(key), PKCS7(push)))}"""
    plain = json.dumps(push).encode()
    pad = 16 - len(plain) % 16
    vector = os.urandom(16)
    aes = Cipher(algorithms.AES(hashlib.sha256(key.encode()).digest()), modes.CBC(vector)).encryptor()
    sealed = vector + aes.update(plain + bytes([pad]) * pad) + aes.finalize()
    return json.dumps({"encrypt": base64.b64encode(sealed).decode()}).encode()


def signed(key, body, at=None):
    at, nonce = str(int(time.time()) if at is None else at), os.urandom(8).hex()
    digest = hashlib.sha256((at + nonce + key).encode() + body).hexdigest()
    headers = {"X-Lark-Request-Timestamp": at, "X-Lark-Request-Nonce": nonce, "X-Lark-Signature": digest}
    return headers | {"Content-Type": "application/json; charset=utf-8"}


class FakeLark:
    def __init__(self, address):
        self.loopback = Loopback(
            [
                ("POST", "/open-apis/auth/v3/tenant_access_token/internal", self._token),
                ("GET", "/open-apis/bot/v3/info", self._info),
                ("POST", "/open-apis/im/v1/messages", self._send),
                ("POST", "/open-apis/im/v1/messages/{id}/reply", self._send),
                ("GET", "/open-apis/im/v1/messages/{id}", self._get),
                ("DELETE", "/open-apis/im/v1/messages/{id}", self._recall),
                ("GET", "/open-apis/im/v1/chats/{id}", self._chat),
            ]
        )
        self.pusher = Pusher(address)
        self.tokens, self.said, self.recalled, self.known, self.pushes = [], {}, [], set(), 0
        self.expire, self.limited = 7200, 0

    async def __aenter__(self):
        await self.loopback.__aenter__()
        await self.pusher.__aenter__()
        return self

    async def __aexit__(self, *_):
        await self.pusher.__aexit__()
        await self.loopback.__aexit__()

    def event(self, kind, event):
        self.pushes += 1
        header = {"event_id": f"push{self.pushes:08}", "event_type": kind, "create_time": str(now_ms())}
        header |= {"token": VERIFICATION, "app_id": APP, "tenant_key": "2ca1d211f64f6438"}
        return {"schema": "2.0", "header": header, "event": event}

    def message(self, sender, text, *, kind="text", content=None, **more):
        number = f"om_{len(self.known) + 1:032}"
        self.known.add(number)
        message = {"message_id": number, "create_time": str(now_ms()), "chat_id": CHAT, "chat_type": "group"}
        message |= {"message_type": kind, "content": json.dumps(content or {"text": text}), **more}
        person = {"sender_id": {"open_id": sender, "union_id": f"on_{sender}"}, "sender_type": "user"}
        return number, self.event("im.message.receive_v1", {"sender": person, "message": message})

    def push(self, event):
        def request():
            body = seal(KEY, event)
            return signed(KEY, body), body

        self.pusher.push(event["header"]["event_id"], request)

    def _allowed(self, request):
        return request.headers.get("Authorization") in {f"Bearer {token}" for token in self.tokens}

    async def _token(self, request):
        if await request.json() != {"app_id": APP, "app_secret": SECRET}:
            return web.json_response({"code": 10014, "msg": "app secret invalid"})
        self.tokens.append(f"t-{len(self.tokens)}")
        return web.json_response(
            {"code": 0, "msg": "ok", "tenant_access_token": self.tokens[-1], "expire": self.expire}
        )

    def _refused(self, request):
        if not self._allowed(request):
            return web.json_response({"code": 99991663, "msg": "Invalid access token"}, status=400)
        if self.limited:
            self.limited -= 1
            frame = {"code": 99991400, "msg": "request trigger frequency limit"}
            return web.json_response(frame, status=429, headers={"x-ogw-ratelimit-reset": "1"})
        return None

    async def _info(self, request):
        bot = {"activate_status": 2, "app_name": "Quandary", "open_id": ME}
        return self._refused(request) or web.json_response({"code": 0, "msg": "ok", "bot": bot})

    async def _send(self, request):
        body = await request.json()
        refused = self._refused(request)
        if refused is not None:
            return refused
        if "receive_id" in body:
            assert request.query["receive_id_type"] == "chat_id"
            assert body["receive_id"] == CHAT
        elif request.match_info["id"] not in self.known:
            return web.json_response({"code": 230099, "msg": "The message is not found"}, status=400)
        number, *_ = self.said.setdefault(
            body["uuid"],
            (
                f"om_bot{len(self.said):026}",
                body.get("reply_in_thread", False),
                request.match_info.get("id"),
                json.loads(body["content"])["text"],
            ),
        )
        return web.json_response({"code": 0, "msg": "success", "data": {"message_id": number, "chat_id": CHAT}})

    async def _get(self, request):
        if request.match_info["id"] not in self.known:
            return web.json_response({"code": 230110, "msg": "This message was deleted"}, status=400)
        item = {"message_id": request.match_info["id"], "chat_id": CHAT}
        return self._refused(request) or web.json_response({"code": 0, "msg": "success", "data": {"items": [item]}})

    async def _recall(self, request):
        number = request.match_info["id"]
        if number not in {said for said, *_ in self.said.values()}:
            return web.json_response({"code": 230026, "msg": "No permission to recall this message."}, status=400)
        self.recalled.append(number)
        return web.json_response({"code": 0, "msg": "success", "data": {}})

    async def _chat(self, request):
        assert request.query["user_id_type"] == "open_id"
        data = {"name": "group", "owner_id": "ou_owner", "user_manager_id_list": ["ou_manager"]}
        return self._refused(request) or web.json_response({"code": 0, "msg": "success", "data": data})


def now_ms():
    return time.time_ns() // 1_000_000

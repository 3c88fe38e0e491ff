"""Lark and Feishu: events are pushed to us, signed and encrypted; replies go through the open platform."""

import hmac
import json
import re
import time
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any, Self

import structlog

from bot.adapters.backoff import Backoff
from bot.adapters.base import Capabilities
from bot.adapters.lark_calls import LarkCalls, LarkError
from bot.adapters.lark_seal import SIGNATURE, check, decrypt
from bot.adapters.push import Delivery, Forged, Refused, json_of
from bot.adapters.receiver import Receiver
from models.chat import ChatEvent, EventKind
from models.errors import PlatformError
from models.ids import EventId, MemberId, RoomId
from models.settings import LarkSettings, secret

PLATFORM = "lark"
PATIENCE_S = 2.5
"""How long a push waits until its event is on disk; Lark gives up after three seconds, and tries again later."""
_GONE = frozenset({230011, 230110})
"""Codes: the message has been recalled or deleted already."""
_CANNOT = frozenset({230009, 230026, 230054})
"""Codes: the message may not be recalled (any more)."""
_MENTION = re.compile(r"@_user_\d+|@_all")
_TAG = re.compile(r"<(?=/?at\b)", re.IGNORECASE)

log = structlog.get_logger(__name__)


class LarkChat:
    """The groups that an app's bot is a member of. Lark pushes no edits."""

    def __init__(self, settings: LarkSettings, *, backoff: Backoff | None = None) -> None:
        self._settings = settings
        self._key = secret(settings.encrypt_key_env) or ""
        self._verification = secret(settings.verification_token_env)
        self._calls = LarkCalls(settings, backoff or Backoff(max_s=5.0))
        self._open = AsyncExitStack()
        self._me = ""
        self.name = PLATFORM
        self.capabilities = Capabilities(threads=True, deletes=True, reactions=True, mention_only=settings.mention_only)
        self.receiver = Receiver(self._read, host=settings.host, port=settings.port, patience_s=PATIENCE_S)

    async def __aenter__(self) -> Self:
        """Ask who we are, and listen; raises PlatformError."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._calls)
            bot = await self._calls.call("GET", "bot/v3/info")
            self._me = str(_table(bot.get("bot")).get("open_id", ""))
            await stack.enter_async_context(self.receiver)
            self._open = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close both directions."""
        await self._open.aclose()

    def events(self, cursor: str | None) -> AsyncIterator[ChatEvent]:
        """Yield events as they are pushed. What was not answered with 200, Lark pushes again: no cursor."""
        del cursor
        return self.receiver.events()

    def durable(self, events: Sequence[ChatEvent]) -> None:
        """Answer the pushes that brought these events."""
        self.receiver.durable(events)

    async def reply(self, room: RoomId, thread: str | None, reply_to: EventId | None, text: str) -> EventId:
        """Send a text; ``uuid`` makes a repeated call harmless."""
        content = json.dumps({"text": _TAG.sub("\uff1c", text)}, ensure_ascii=False)  # <at ...> would call people
        body: dict[str, object] = {"msg_type": "text", "content": content, "uuid": uuid.uuid4().hex}
        if reply_to is None:
            path, body["receive_id"] = "im/v1/messages?receive_id_type=chat_id", room
        else:
            path, body["reply_in_thread"] = f"im/v1/messages/{_native(room, reply_to)}/reply", thread is not None
        answer = await self._calls.call("POST", path, body)
        try:
            return _event_id(room, answer["data"]["message_id"])
        except (KeyError, TypeError) as error:
            raise PlatformError(f"Lark took a reply, but did not say under which id: {error!r}") from error

    async def retract(self, room: RoomId, said: EventId) -> bool:
        """Recall what the bot said."""
        try:
            await self._calls.call("DELETE", f"im/v1/messages/{_native(room, said)}")
        except LarkError as error:
            if error.code not in _GONE | _CANNOT:
                raise
            return error.code in _GONE
        return True

    async def is_admin(self, room: RoomId, member: MemberId) -> bool:
        """Tell whether a member owns or manages a group."""
        answer = await self._calls.call("GET", f"im/v1/chats/{room}?user_id_type=open_id")
        chat = _table(answer.get("data"))
        return member in (chat.get("owner_id"), *(chat.get("user_manager_id_list") or ()))

    async def _read(self, headers: Mapping[str, str], body: bytes) -> Delivery:
        """Read a push. The check of our URL is the only one that may come unsigned; it shows the key by its cipher."""
        signed = SIGNATURE in headers
        if signed:
            check(self._key, headers, body, time.time())
        sealed = _object(body).get("encrypt")
        if not isinstance(sealed, str):
            raise Forged("the push is not encrypted; set an Encrypt Key in the developer console")
        push = _object(decrypt(self._key, sealed))
        header = _table(push.get("header"))
        token = str(push.get("token") or header.get("token") or "")
        if self._verification is not None and not hmac.compare_digest(token.encode(), self._verification.encode()):
            raise Forged("the verification token does not fit")
        if push.get("type") == "url_verification":
            return Delivery(answer={"challenge": push.get("challenge")})
        if not signed:
            raise Forged("the push is not signed")
        try:
            return Delivery(event=await self._event(header, push.get("event")))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise Refused(f"a push of a form that we do not know: {error!r}") from error

    async def _event(self, header: Mapping[str, Any], event: Any) -> ChatEvent | None:
        """The event of a push; None for what we do not know."""
        kind = header.get("event_type")
        if kind == "im.message.receive_v1":
            return self._message(event["sender"], event["message"])
        if kind == "im.message.recalled_v1":
            return _recall(header["event_id"], event)
        if kind == "im.message.reaction.created_v1":
            return await self._reaction(header["event_id"], event)
        return None

    async def _reaction(self, push: str, event: Mapping[str, Any]) -> ChatEvent | None:
        """The push names no group; the message does, unless it is gone by now."""
        try:
            answer = await self._calls.call("GET", f"im/v1/messages/{event['message_id']}")
        except LarkError as error:
            log.info("a reaction to a message that cannot be read", error=str(error))
            return None
        return _reaction(push, event, RoomId(answer["data"]["items"][0]["chat_id"]))

    def _message(self, sender: Mapping[str, Any], message: Mapping[str, Any]) -> ChatEvent:
        room, parent = RoomId(message["chat_id"]), message.get("parent_id")
        mentions = message.get("mentions") or []
        names = {mention["key"]: f"@{mention['name']}" for mention in mentions}
        return ChatEvent(
            id=_event_id(room, message["message_id"]),
            platform=PLATFORM,
            room=room,
            sender=MemberId(sender["sender_id"]["open_id"]),
            text=_MENTION.sub(lambda found: names.get(found[0], found[0]), _text(message)),
            sent_at=_time(message["create_time"]),
            thread=message.get("thread_id") or None,
            reply_to=_event_id(room, parent) if parent else None,
            is_bot=sender.get("sender_type", "user") != "user",
            mentions_bot=message.get("chat_type") == "p2p" or any(m["id"].get("open_id") == self._me for m in mentions),
        )


def _recall(push: str, event: Mapping[str, Any]) -> ChatEvent:
    """Lark does not say who recalled a message, only in which role: that stands for the sender."""
    room = RoomId(event["chat_id"])
    return ChatEvent(
        id=_event_id(room, f"{event['message_id']}:recall-{push}"),
        platform=PLATFORM,
        room=room,
        sender=MemberId(event.get("recall_type") or "unknown"),
        text="",
        sent_at=_time(event["recall_time"]),
        kind=EventKind.DELETE,
        target=_event_id(room, event["message_id"]),
    )


def _reaction(push: str, event: Mapping[str, Any], room: RoomId) -> ChatEvent:
    of_app = event["operator_type"] != "user"
    return ChatEvent(
        id=_event_id(room, f"{event['message_id']}:reaction-{push}"),
        platform=PLATFORM,
        room=room,
        sender=MemberId(event["app_id"] if of_app else event["user_id"]["open_id"]),
        text=event["reaction_type"]["emoji_type"],
        sent_at=_time(event["action_time"]),
        kind=EventKind.REACTION,
        target=_event_id(room, event["message_id"]),
        is_bot=of_app,
    )


def _text(message: Mapping[str, Any]) -> str:
    """The words of a text or a rich text; pictures, files and cards have none."""
    kind, content = message["message_type"], json.loads(message["content"])
    if kind == "text":
        return str(content["text"])
    if kind != "post":
        return ""
    lines = ["".join(_words(part) for part in line) for line in content["content"]]
    return "\n".join([content["title"], *lines] if content.get("title") else lines)


def _words(part: Mapping[str, Any]) -> str:
    return str(part.get("user_id") if part.get("tag") == "at" else part.get("text") or "")


def _time(milliseconds: str) -> datetime:
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)


def _object(body: bytes) -> dict[str, Any]:
    found = json_of(body)
    if not isinstance(found, dict):
        raise Refused("the body is not a JSON object")
    return found


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _event_id(room: RoomId, native: str) -> EventId:
    return EventId(f"{PLATFORM}:{room}:{native}")


def _native(room: RoomId, event: EventId) -> str:
    return event.removeprefix(f"{PLATFORM}:{room}:")

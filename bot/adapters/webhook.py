"""Any chat that can send and take signed HTTP requests. The frames are described in docs/adapters.md."""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Self

import aiohttp
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from bot.adapters.backoff import Backoff
from bot.adapters.base import Capabilities
from bot.adapters.push import Delivery, Refused, json_of
from bot.adapters.receiver import Receiver
from bot.adapters.webhook_signature import check, key_of, signed
from models.chat import ChatEvent, EventKind
from models.errors import PlatformError
from models.ids import EventId, MemberId, RoomId
from models.settings import WebhookSettings, secret

PLATFORM = "webhook"
PATIENCE_S = 10.0
"""How long a request waits until its event is on disk."""
TRIES = 4
"""How often a reply is sent until the platform takes it."""
_TIMEOUT = aiohttp.ClientTimeout(total=15)
_CANNOT = frozenset({404, 405, 410, 501})
"""How a platform says that it takes nothing back."""
_KINDS = frozenset({EventKind.MESSAGE, EventKind.EDIT, EventKind.DELETE, EventKind.REACTION})
"""What a platform may report; the other kinds are our own."""
_AHEAD = timedelta(days=1)

Name = Annotated[str, Field(min_length=1, max_length=200)]


class Frame(BaseModel):
    """An event as it stands in a request's body. Fields that we do not know are left alone."""

    model_config = ConfigDict(frozen=True)

    kind: EventKind = EventKind.MESSAGE
    id: Name
    room: Name
    sender: Name
    sent_at: AwareDatetime
    text: str = ""
    thread: Name | None = None
    target: Name | None = None
    reply_to: Name | None = None
    bot: bool = False
    mentions_bot: bool = False


class WebhookChat:
    """A platform behind two URLs: ours, to which it posts events, and its own, to which we post replies."""

    def __init__(self, settings: WebhookSettings, *, backoff: Backoff | None = None) -> None:
        self._settings = settings
        self._key = key_of(secret(settings.secret_env) or "")
        self._backoff = backoff or Backoff(max_s=5.0)
        self._session: aiohttp.ClientSession | None = None
        self.name = PLATFORM
        self.capabilities = Capabilities(threads=True, edits=True, deletes=True, reactions=True)
        self.receiver = Receiver(self._read, host=settings.host, port=settings.port, patience_s=PATIENCE_S)

    async def __aenter__(self) -> Self:
        """Listen; raises PlatformError where that is impossible."""
        await self.receiver.__aenter__()
        self._session = aiohttp.ClientSession(timeout=_TIMEOUT)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close both directions."""
        try:
            await self.receiver.__aexit__()
        finally:
            if self._session is not None:
                await self._session.close()

    def events(self, cursor: str | None) -> AsyncIterator[ChatEvent]:
        """Yield events as they are posted. What was not answered with 200, the platform posts again: no cursor."""
        del cursor
        return self.receiver.events()

    def durable(self, events: Sequence[ChatEvent]) -> None:
        """Answer the requests that brought these events."""
        self.receiver.durable(events)

    async def reply(self, room: RoomId, thread: str | None, reply_to: EventId | None, text: str) -> EventId:
        """Post a message to the platform; its answer may name the message's id, else it is the one that we gave."""
        message_id = uuid.uuid4().hex
        frame = {"kind": "message", "id": message_id, "room": room, "thread": thread, "text": text}
        frame["reply_to"] = None if reply_to is None else _native(room, reply_to)
        status, answer = await self._post(frame, message_id)
        if status >= 300:
            raise PlatformError(f"{self._settings.reply_url} refused a reply with HTTP status {status}")
        given = answer.get("id")
        return _event_id(room, given if isinstance(given, str) and given else message_id)

    async def retract(self, room: RoomId, said: EventId) -> bool:
        """Ask the platform to take a message back."""
        frame = {"kind": "delete", "id": uuid.uuid4().hex, "room": room, "target": _native(room, said)}
        status, _ = await self._post(frame, str(frame["id"]))
        if status >= 300 and status not in _CANNOT:
            raise PlatformError(f"{self._settings.reply_url} refused a deletion with HTTP status {status}")
        return status < 300

    async def is_admin(self, room: RoomId, member: MemberId) -> bool:
        """Tell whether config.toml names the member."""
        del room
        return member in self._settings.admins

    async def _read(self, headers: Mapping[str, str], body: bytes) -> Delivery:
        check(self._key, headers, body, time.time())
        found = json_of(body)
        if isinstance(found, dict) and isinstance(kind := found.get("kind"), str) and kind not in _KINDS:
            return Delivery(answer={"ignored": "a kind that is not known"})
        try:
            frame = Frame.model_validate(found)
        except ValidationError as error:
            said = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['msg']}" for e in error.errors())
            raise Refused(said) from error
        if frame.sent_at.year < 1970 or frame.sent_at > datetime.now(UTC) + _AHEAD:
            raise Refused(f"sent_at: {frame.sent_at.isoformat()} is not a time at which this can have been sent")
        if frame.target is None and frame.kind is not EventKind.MESSAGE:
            raise Refused(f"target: the id of the message is missing, which the {frame.kind.value} is about")
        return Delivery(event=_event(frame), answer={"id": frame.id})

    async def _post(self, frame: Mapping[str, object], message_id: str) -> tuple[int, Mapping[str, Any]]:
        """Post a frame until the platform takes or refuses it; an id that stays the same makes repeating harmless."""
        url = self._settings.reply_url
        if self._session is None or url is None:
            raise PlatformError("nothing can be said: [webhook] in config.toml names no reply_url")
        body = json.dumps(frame, ensure_ascii=False).encode()
        trouble = ""
        for attempt in range(TRIES):
            if attempt:
                await asyncio.sleep(self._backoff.failed())
            headers = {**signed(self._key, message_id, int(time.time()), body), "content-type": "application/json"}
            try:
                async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as response:
                    trouble = f"HTTP status {response.status}"
                    if response.status in _CANNOT or (response.status < 500 and response.status != 429):
                        self._backoff.worked()
                        return response.status, _object(await response.read())
            except (aiohttp.ClientError, TimeoutError) as error:
                trouble = repr(error)
        raise PlatformError(f"{url} took no reply: {trouble}; is the platform's side of [webhook] running?")


def _event(frame: Frame) -> ChatEvent:
    room = RoomId(frame.room)
    return ChatEvent(
        id=_event_id(room, frame.id),
        platform=PLATFORM,
        room=room,
        sender=MemberId(frame.sender),
        text=frame.text,
        sent_at=frame.sent_at.astimezone(UTC),
        kind=frame.kind,
        thread=frame.thread,
        target=None if frame.target is None else _event_id(room, frame.target),
        reply_to=None if frame.reply_to is None else _event_id(room, frame.reply_to),
        is_bot=frame.bot,
        mentions_bot=frame.mentions_bot,
    )


def _event_id(room: RoomId, native: str) -> EventId:
    """Ids and rooms are any text; a colon in a room's name must not make it look like another room's."""
    return EventId(f"{PLATFORM}:{room.replace('%', '%25').replace(':', '%3A')}:{native}")


def _native(room: RoomId, event: EventId) -> str:
    return event.removeprefix(_event_id(room, ""))


def _object(body: bytes) -> Mapping[str, Any]:
    """The JSON object of an answer; whatever else was answered says nothing."""
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}

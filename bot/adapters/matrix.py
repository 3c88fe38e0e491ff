"""Matrix: nio as typed client, with a sync loop of our own whose position moves only with what is on disk."""

import asyncio
import hashlib
import logging
import random
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Self

import structlog
from nio import AsyncClient, AsyncClientConfig, Response, SyncResponse

from bot.adapters.backoff import Backoff
from bot.adapters.base import Capabilities
from bot.adapters.matrix_answers import LaterError, RefusedError, answer_of
from bot.adapters.matrix_events import PLATFORM, EventReader, event_id, native_id
from bot.adapters.matrix_rooms import Doorkeeper
from bot.adapters.matrix_sync import FILTER, told
from models.chat import ChatEvent, EventKind
from models.errors import PlatformError
from models.ids import EventId, MemberId, RoomId
from models.settings import MatrixSettings

WAIT_MS = 30_000
"""How long the server may keep a sync waiting for something to happen."""
TRIES, TRY_MAX_S = 4, 10.0
"""How often a reply is tried, and how long at most it waits in between."""
ADMIN_LEVEL = 50

# nio warns of what it cannot read by quoting it; what people say must not get into logs.
logging.getLogger("nio").setLevel(logging.CRITICAL)
log = structlog.get_logger(__name__)


def _now() -> datetime:
    return datetime.now(UTC)


class MatrixChat:
    """One account on one homeserver, in all rooms that it is a member of.

    Without a cursor it begins now: what was said before is not decided. A sync response's events are reported with its
    position on the last one, so a kill at any moment means that some are reported again, and none is missed.
    """

    def __init__(
        self,
        settings: MatrixSettings,
        token: str,
        *,
        clock: Callable[[], datetime] = _now,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        rng: random.Random | None = None,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._rng = rng
        self._user = settings.user
        config = AsyncClientConfig(max_limit_exceeded=0, max_timeouts=0, encryption_enabled=False)
        self._client = AsyncClient(settings.homeserver, settings.user, config=config)
        self._client.user_id = settings.user
        self._client.access_token = token
        self._doorkeeper = Doorkeeper(self._client, settings.servers, sleep=sleep)
        self._reader = EventReader(settings.user, "")
        self.name = PLATFORM
        self.capabilities = Capabilities(threads=True, edits=True, deletes=True, reactions=True, history=True)

    async def __aenter__(self) -> Self:
        """Ask who we are; raises PlatformError where the server is away, or the token is not that user's."""
        try:
            who = await answer_of(self._client.whoami(), f"logging in at {self._client.homeserver}")
            if who.user_id != self._user:
                raise PlatformError(  # noqa: TRY301 - the connection is closed below, whatever went wrong
                    f"the access token is {who.user_id}'s, but matrix.user is {self._user}"
                )
            self._reader = EventReader(self._user, await self._called())
        except BaseException:
            await self._client.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Disconnect."""
        await self._client.close()

    async def events(self, cursor: str | None) -> AsyncIterator[ChatEvent]:
        """Report what happens after the cursor, without end; failures that may pass are waited out.

        Raises PlatformError where trying again is no use.
        """
        since, backoff = cursor, Backoff(self._rng)
        while True:
            try:
                response = await self._sync(since)
                await self._doorkeeper.settle(response)
                async for event in self._reported(response, since):
                    yield event
            except LaterError as error:
                wait_s = backoff.failed(error.wait_s)
                log.warning("trying again", seconds=round(wait_s, 1), error=str(error))
                await self._sleep(wait_s)
                continue
            except RefusedError as error:
                if since is None:
                    raise
                log.error("the server does not know our position; beginning again from now", error=str(error))  # noqa: TRY400
                since = None
                continue
            backoff.worked()
            since = response.next_batch

    def durable(self, events: Sequence[ChatEvent]) -> None:
        """The position lies with the events; the server wants no acknowledgement."""

    async def reply(self, room: RoomId, thread: str | None, reply_to: EventId | None, text: str) -> EventId:
        """Send a notice, which other bots do not answer; trying again does not say it twice."""
        content: dict[str, Any] = {"msgtype": "m.notice", "body": text, "m.mentions": {}}
        answered = None if reply_to is None else native_id(room, reply_to)
        if relation := _relation(thread, answered):
            content["m.relates_to"] = relation
        # Named by what it answers, so that the server knows it again.
        named = "\x1f".join((room, thread or "", answered or uuid.uuid4().hex, text))
        once = hashlib.sha256(named.encode("utf-8", "replace")).hexdigest()
        sent = await self._patiently(
            lambda: self._client.room_send(room, "m.room.message", content, once), f"speaking in {room}"
        )
        return event_id(room, sent.event_id)

    async def retract(self, room: RoomId, said: EventId) -> bool:
        """Redact what the bot said."""
        once = hashlib.sha256(f"redact\x1f{said}".encode()).hexdigest()
        target = native_id(room, said)
        await self._patiently(lambda: self._client.room_redact(room, target, None, once), f"taking back {said}")
        return True

    async def is_admin(self, room: RoomId, member: MemberId) -> bool:
        """Moderators and above, by power level; and those who created the room, where levels leave them out."""
        powers = await self._state(room, "m.room.power_levels")
        users, default = powers.get("users"), powers.get("users_default", 0)
        level = _table(users).get(member, default)
        if isinstance(level, int) and level >= ADMIN_LEVEL:
            return True
        return member in await self._creators(room)

    async def _sync(self, since: str | None) -> SyncResponse:
        self._client.next_batch = since or ""  # else nio would go on from the last response, whatever we ask
        return await answer_of(self._client.sync(WAIT_MS, dict(FILTER), since), "sync")

    async def _reported(self, response: SyncResponse, since: str | None) -> AsyncIterator[ChatEvent]:
        """The chat events of a response; the last carries the position after it, if need be an empty one."""
        last: ChatEvent | None = None
        if since is not None:
            async for room, native in told(self._client, response, since):
                event = self._reader.read(room, native, self._clock())
                if event is None:
                    continue
                if last is not None:
                    yield last
                last = event
        if last is not None:
            yield replace(last, cursor=response.next_batch)
        elif response.next_batch != since:
            yield self._moved(response.next_batch)

    def _moved(self, position: str) -> ChatEvent:
        return ChatEvent(
            id=EventId(f"{PLATFORM}::{position}"),
            platform=PLATFORM,
            room=RoomId(""),
            sender=MemberId(self._user),
            text="",
            sent_at=datetime.fromtimestamp(0, UTC),
            kind=EventKind.NOTHING,
            is_bot=True,
            cursor=position,
        )

    async def _called(self) -> str:
        try:
            profile = await self._patiently(lambda: self._client.get_displayname(self._user), "reading our name")
        except RefusedError:
            return ""
        return profile.displayname or ""

    async def _state(self, room: RoomId, kind: str) -> Mapping[str, Any]:
        try:
            answer = await self._patiently(lambda: self._client.room_get_state_event(room, kind), f"{kind} of {room}")
        except RefusedError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return {}
            raise
        return _table(answer.content)

    async def _creators(self, room: RoomId) -> Sequence[str]:
        """Who stands above power levels: since room version 12 the creators, who are not among them.

        Since then a room's id is its first event's, and names no server.
        """
        if ":" in room:
            return ()
        first = await self._patiently(
            lambda: self._client.room_get_event(room, f"${room.removeprefix('!')}"), f"reading who made {room}"
        )
        more = _table(first.event.source.get("content")).get("additional_creators")
        return (first.event.sender, *(more if isinstance(more, list) else ()))

    async def _patiently(self, call: Callable[[], Awaitable[Response]], what: str) -> Response:
        backoff = Backoff(self._rng, max_s=TRY_MAX_S)
        for _ in range(TRIES - 1):
            try:
                return await answer_of(call(), what)
            except LaterError as error:
                await self._sleep(min(TRY_MAX_S, backoff.failed(error.wait_s)))
        return await answer_of(call(), what)


def _relation(thread: str | None, answered: str | None) -> dict[str, Any]:
    """What a reply hangs on: the thread, the answered message, or both."""
    reply = {} if answered is None else {"m.in_reply_to": {"event_id": answered}}
    if thread is None:
        return reply
    if answered is None:  # clients without threads show it as an answer to the thread's beginning
        return {
            "rel_type": "m.thread",
            "event_id": thread,
            "is_falling_back": True,
            "m.in_reply_to": {"event_id": thread},
        }
    return {"rel_type": "m.thread", "event_id": thread, "is_falling_back": False, **reply}


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}

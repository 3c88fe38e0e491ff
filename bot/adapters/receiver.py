"""Receiving events over HTTP: a request is answered well only when its event is on disk."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Self

import structlog
from aiohttp import web

from bot.adapters.push import Delivery, Refused
from models.chat import ChatEvent
from models.errors import PlatformError
from models.ids import EventId

BODY_BYTES = 256 * 1024
"""No chat message is longer; a request that is, is refused."""
BODY_S = 10.0
"""Within which a request's body has to be here."""
WAITING_MAX = 1024
"""Events between the platform and the inbox."""
_HTTP_LATE, _HTTP_AGAIN = 408, 503

log = structlog.get_logger(__name__)


class Receiver:
    """A small HTTP server; POST to any path of it delivers one event.

    ``read`` makes an event of a request's headers and body; it raises Refused, or PlatformError where the request
    should come again. An event that is not on disk within ``patience_s`` is answered 503, so that the platform sends it
    again; the inbox knows it by its id. Port 0 takes a free one: ``port`` tells which.
    """

    def __init__(
        self,
        read: Callable[[Mapping[str, str], bytes], Awaitable[Delivery]],
        *,
        host: str,
        port: int,
        patience_s: float,
    ) -> None:
        self._read = read
        self._host = host
        self.port = port
        self._patience_s = patience_s
        self._arrived: asyncio.Queue[ChatEvent] = asyncio.Queue(WAITING_MAX)
        self._waiting: defaultdict[EventId, set[asyncio.Future[bool]]] = defaultdict(set)
        app = web.Application(client_max_size=BODY_BYTES)
        app.router.add_post("/{path:.*}", self._take)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)

    async def __aenter__(self) -> Self:
        """Listen; raises PlatformError where that is impossible."""
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self.port).start()
        except OSError as error:
            await self._runner.cleanup()
            raise PlatformError(
                f"cannot receive events at {self._host}:{self.port}: {error}; choose another host or port"
            ) from error
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Answer what still waits with 503, and close."""
        for waits in self._waiting.values():
            _settle(waits, stored=False)
        await self._runner.cleanup()

    async def events(self) -> AsyncIterator[ChatEvent]:
        """Yield events as they arrive; this never ends."""
        while True:
            yield await self._arrived.get()

    def durable(self, events: Sequence[ChatEvent]) -> None:
        """Answer the requests that brought these events."""
        for event in events:
            _settle(self._waiting.get(event.id, ()), stored=True)

    async def _take(self, request: web.Request) -> web.Response:
        try:
            async with asyncio.timeout(BODY_S):
                body = await request.read()
            delivery = await self._read(request.headers, body)
        except Refused as refused:
            log.warning("request refused", status=refused.status, reason=str(refused))
            return web.json_response({"error": str(refused)}, status=refused.status)
        except TimeoutError:
            return web.json_response({"error": "the body did not arrive in time"}, status=_HTTP_LATE)
        except PlatformError as error:
            log.warning("request could not be read", error=str(error))
            return _again()
        if delivery.event is not None and not await self._keep(delivery.event):
            return _again()
        return web.json_response(dict(delivery.answer))

    async def _keep(self, event: ChatEvent) -> bool:
        """Wait until an event is on disk; tells whether it is."""
        stored: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        first = event.id not in self._waiting  # else it is under way already
        self._waiting[event.id].add(stored)
        try:
            async with asyncio.timeout(self._patience_s):
                if first:
                    await self._arrived.put(event)
                return await stored
        except TimeoutError:
            return False
        finally:
            self._waiting[event.id].discard(stored)
            if not self._waiting[event.id]:
                del self._waiting[event.id]


def _settle(waits: set[asyncio.Future[bool]] | tuple[()], *, stored: bool) -> None:
    for future in waits:
        if not future.done():
            future.set_result(stored)


def _again() -> web.Response:
    headers = {"Retry-After": "5"}
    return web.json_response({"error": "not stored yet; send it again"}, status=_HTTP_AGAIN, headers=headers)

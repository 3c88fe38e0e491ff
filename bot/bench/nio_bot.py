"""What others do: a matrix-nio bot that takes messages in a callback and keeps nothing, and the server that it asks."""

import json
import time
from collections import defaultdict
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from aiohttp import web
from nio import AsyncClient, MatrixRoom, RoomMessageText, SyncResponse

from models.chat import ChatEvent
from models.errors import PlatformError

EVENTS_A_SYNC = 256
"""As many events in a response as the pipeline writes down in one transaction."""


class NioBot:
    """A client with one callback, and a loopback server that answers its ``/sync`` from memory, in the same loop.

    The bodies are serialised beforehand, so what is measured is the client: its parsing, checking and calling back.
    """

    def __init__(self) -> None:
        self.heard = 0
        self._bodies: list[bytes] = []
        app = web.Application()
        app.router.add_get("/_matrix/client/v3/sync", self._sync)
        self._runner = web.AppRunner(app, access_log=None)
        self._client: AsyncClient | None = None

    async def __aenter__(self) -> Self:
        """Start the server on a free port of the loopback address."""
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        client = self._client = AsyncClient(f"http://{host}:{port}", "@bot:crowd")
        client.user_id, client.access_token = "@bot:crowd", "none needed"
        client.add_event_callback(self._hear, RoomMessageText)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, _: object, __: TracebackType | None) -> None:
        """Stop both."""
        if self._client is not None:
            await self._client.close()
        await self._runner.cleanup()

    async def take(self, events: Sequence[ChatEvent]) -> float:
        """Sync until all events were heard; returns the seconds that took. Raises PlatformError."""
        if self._client is None:
            raise RuntimeError("the bot is not open")
        self._bodies = [_body(n, events[n : n + EVENTS_A_SYNC]) for n in range(0, len(events), EVENTS_A_SYNC)]
        expected, since = self.heard + len(events), "0"
        began = time.perf_counter()
        for _ in self._bodies:
            response = await self._client.sync(timeout=0, since=since)
            if not isinstance(response, SyncResponse):
                raise PlatformError(f"the measuring server and matrix-nio do not understand each other: {response}")
            since = response.next_batch
        seconds = time.perf_counter() - began
        if self.heard != expected:
            raise PlatformError(f"matrix-nio reported {self.heard} messages of {expected}")
        return seconds

    async def _hear(self, room: MatrixRoom, event: RoomMessageText) -> None:
        del room, event
        self.heard += 1

    async def _sync(self, request: web.Request) -> web.Response:
        place = int(request.query.get("since", "0")) // EVENTS_A_SYNC
        return web.Response(body=self._bodies[place], content_type="application/json")


def _body(number: int, events: Sequence[ChatEvent]) -> bytes:
    rooms: dict[str, list[dict[str, object]]] = defaultdict(list)
    for event in events:
        rooms[f"{event.room}:crowd"].append(
            {
                "type": "m.room.message",
                "event_id": f"${event.id}",
                "sender": f"{event.sender}:crowd",
                "origin_server_ts": int(event.sent_at.timestamp() * 1000),
                "content": {"msgtype": "m.text", "body": event.text},
                "unsigned": {"age": 0},
            }
        )
    joined = {
        room: {
            "timeline": {"events": said, "limited": False, "prev_batch": str(number)},
            "state": {"events": []},
            "ephemeral": {"events": []},
            "account_data": {"events": []},
            "unread_notifications": {"highlight_count": 0, "notification_count": 0},
            "summary": {},
        }
        for room, said in rooms.items()
    }
    body = {
        "next_batch": str(number + EVENTS_A_SYNC),
        "rooms": {"join": joined, "invite": {}, "leave": {}},
        "device_one_time_keys_count": {},
        "device_lists": {"changed": [], "left": []},
        "to_device": {"events": []},
        "presence": {"events": []},
        "account_data": {"events": []},
    }
    return json.dumps(body).encode()

"""The crowd as a chat platform: events are handed over as fast as they are taken, or when their time has come."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime
from typing import Self

from bot.adapters.base import Capabilities
from bot.bench.crowd import PLATFORM
from models.chat import ChatEvent
from models.ids import EventId, MemberId, RoomId


class CrowdChat:
    """Hands over given events. With ``paced`` each waits for its time, and after the last one the chat falls silent.

    Without, the chat ends after the last one.
    """

    def __init__(self, events: Iterable[ChatEvent], *, paced: bool = False) -> None:
        self._events = events
        self._paced = paced
        self.name = PLATFORM
        self.capabilities = Capabilities(pace=1.0 if paced else 0.0)
        self.handed_over = 0
        self.durable_events = 0
        self.late_s = 0.0
        """How late the last event was handed over: what waits is bounded, so a slow pipeline makes the chat wait."""

    async def __aenter__(self) -> Self:
        """Nothing to connect to."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing is held open."""

    async def events(self, cursor: str | None) -> AsyncIterator[ChatEvent]:
        """Hand over the given events; the cursor is not looked at, for they are new to the store."""
        del cursor
        for event in self._events:
            if self._paced:
                early_s = (event.sent_at - datetime.now(UTC)).total_seconds()
                self.late_s = max(0.0, -early_s)
                if early_s > 0:
                    await asyncio.sleep(early_s)
            self.handed_over += 1
            yield event
        if self._paced:
            await asyncio.Event().wait()

    def durable(self, events: Sequence[ChatEvent]) -> None:
        """Count them."""
        self.durable_events += len(events)

    async def reply(self, room: RoomId, thread: str | None, reply_to: EventId | None, text: str) -> EventId:
        """Say nothing; nobody is there."""
        del thread, text
        return EventId(f"{reply_to or room}:reply")

    async def retract(self, room: RoomId, said: EventId) -> bool:
        """What nobody heard stays."""
        del room, said
        return False

    async def is_admin(self, room: RoomId, member: MemberId) -> bool:
        """Nobody rules a crowd."""
        del room, member
        return False

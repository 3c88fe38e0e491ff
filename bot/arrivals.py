"""Events between the platform and the inbox, in memory and bounded."""

import asyncio

from models.chat import ChatEvent

EVENTS_MAX = 256
"""Events written down in one transaction."""
TICK_S = 0.25
"""How long is waited for an event before time is looked at."""


class Arrivals:
    """A queue of events that is taken from in batches; it holds four of them, then ``put`` waits."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[ChatEvent | None] = asyncio.Queue(maxsize=4 * EVENTS_MAX)
        self._ended = False

    async def put(self, event: ChatEvent) -> None:
        """Add an event, as soon as there is room."""
        await self._queue.put(event)

    async def end(self) -> None:
        """Tell that nothing follows; to be called once, last."""
        await self._queue.put(None)

    def empty(self) -> bool:
        """Tell whether nothing waits to be taken."""
        return self._queue.empty()

    async def next(self) -> list[ChatEvent] | None:
        """All events that have arrived; an empty list after a quiet quarter of a second; None after the last."""
        if self._ended:
            return None
        batch: list[ChatEvent] = []
        try:
            async with asyncio.timeout(TICK_S):
                event = await self._queue.get()
        except TimeoutError:
            return batch
        while event is not None:
            batch.append(event)
            if len(batch) == EVENTS_MAX or self._queue.empty():
                return batch
            event = self._queue.get_nowait()
        self._ended = True
        return batch or None

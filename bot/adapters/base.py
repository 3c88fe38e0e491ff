"""What every chat platform must offer."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol, Self

from models.chat import ChatEvent
from models.ids import EventId, RoomId


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a platform can do.

    ``pace`` is how fast its server time runs against our clock: 1 on a live platform, another multiple in a replay, 0
    where time is only what the events say (a replay as fast as possible).
    """

    pace: float = 1.0
    threads: bool = False
    edits: bool = False


class ChatAdapter(Protocol):
    """A chat platform, used as an async context manager.

    An adapter drops nothing and decides nothing: it reports what the server sends, in the server's order, and leaves
    the rest to the inbox. It may report an event twice (after a reconnect); the inbox knows it by its id.
    """

    @property
    def name(self) -> str:
        """The platform's name: the first part of its event ids, and the key of its cursor."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What the platform can do."""
        ...

    async def __aenter__(self) -> Self:
        """Connect; raises PlatformError, or InputError where a file is the source."""
        ...

    async def __aexit__(self, *_: object) -> None:
        """Disconnect."""
        ...

    def events(self, cursor: str | None) -> AsyncIterator[ChatEvent]:
        """Report events after a cursor (None: from now, or from a file's first line) until the chat ends."""
        ...

    async def reply(self, room: RoomId, thread: str | None, reply_to: EventId, text: str) -> EventId:
        """Say something in a room, in the thread and as a reply where the platform has them.

        Returns the id under which the platform will report the message. Raises PlatformError.
        """
        ...

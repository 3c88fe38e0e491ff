"""What every chat platform must offer."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

from models.chat import ChatEvent
from models.ids import EventId, MemberId, RoomId


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a platform can do.

    ``pace`` is how fast its server time runs against our clock: 1 on a live platform, another multiple in a replay, 0
    where time is only what the events say (a replay as fast as possible).
    """

    pace: float = 1.0
    threads: bool = False
    edits: bool = False
    deletes: bool = False
    reactions: bool = False
    history: bool = False
    """After a gap, what was said in between can be fetched."""
    mention_only: bool = False
    """The platform shows the bot only messages that mention it."""
    audience: bool = True
    """Somebody reads what the bot says."""


class ChatAdapter(Protocol):
    """A chat platform, used as an async context manager.

    An adapter drops nothing and decides nothing: it reports what the server sends, in the server's order, and leaves
    the rest to the inbox. It may report an event twice (after a reconnect); the inbox knows it by its id. To its
    platform it acknowledges nothing before ``durable`` was told of it.
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

    def durable(self, events: Sequence[ChatEvent]) -> None:
        """Hear that events are on disk, in the order in which they were reported; those known before are among them.

        What an adapter acknowledges to its platform (an answered request, an offset), it acknowledges from here on,
        never before. This is called in the loop and returns at once.
        """
        ...

    async def reply(self, room: RoomId, thread: str | None, reply_to: EventId | None, text: str) -> EventId:
        """Say something in a room, in the thread and as a reply (None: to nobody) where the platform has them.

        Returns the id under which the platform will report the message. Raises PlatformError.
        """
        ...

    async def retract(self, room: RoomId, said: EventId) -> bool:
        """Take back something that the bot said; tells whether the platform can. Raises PlatformError."""
        ...

    async def is_admin(self, room: RoomId, member: MemberId) -> bool:
        """Tell whether a member may rule over the bot in a room (its admins and moderators). Raises PlatformError."""
        ...

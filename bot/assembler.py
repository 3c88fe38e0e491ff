"""Joining a member's messages to bursts. Pure: no clock, no store, nothing asynchronous.

A burst is keyed by (room, thread, sender). A message joins its member's open burst while the gap to the message before
is at most ``gap_s`` and the age of the burst at most ``max_age_s``, both by the server's time, and while count and
length stay within their limits; other members speaking in between does not split it. ``advance`` closes what no message
of that time could join any more, so membership does not depend on when or how often it is called.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.deadlines import Deadlines
from models.chat import Burst, ChatEvent, burst_id
from models.ids import EventId, MemberId, RoomId
from models.settings import BurstSettings

Key = tuple[str | None, MemberId]


@dataclass(slots=True, kw_only=True)
class _Open:
    """A burst that may still grow; numbers rise in the order of opening."""

    number: int
    first: ChatEvent
    last_at: datetime
    texts: dict[EventId, str]

    @property
    def key(self) -> Key:
        return self.first.thread, self.first.sender

    @property
    def chars(self) -> int:
        return sum(len(text) + 1 for text in self.texts.values()) - 1

    def burst(self) -> Burst:
        return Burst(
            id=burst_id(self.first.room, self.first.thread, self.first.id),
            platform=self.first.platform,
            room=self.first.room,
            thread=self.first.thread,
            sender=self.first.sender,
            text="\n".join(text for text in self.texts.values() if text),
            window=(),
            message_ids=tuple(self.texts),
            started_at=self.first.sent_at,
            ended_at=self.last_at,
        )


@dataclass(slots=True, kw_only=True)
class _Room:
    """A room's open bursts, and when they will be over."""

    bursts: dict[Key, _Open] = field(default_factory=dict)
    deadlines: Deadlines = field(default_factory=Deadlines)


class Assembler:
    """All open bursts. Closed ones come back without their window, which is the inbox's to tell.

    A deleted message, like one without text, keeps its place in the burst and adds nothing to its text; a burst of
    which no text is left comes back with an empty one. No step takes longer where more bursts are open.
    """

    def __init__(self, limits: BurstSettings) -> None:
        self._limits = limits
        self._gap, self._max_age = timedelta(seconds=limits.gap_s), timedelta(seconds=limits.max_age_s)
        self._opened = 0
        self._open: dict[int, _Open] = {}
        self._deadlines = Deadlines()
        self._rooms: dict[RoomId, _Room] = {}
        self._of_message: dict[EventId, _Open] = {}

    def __len__(self) -> int:
        """How many bursts are open."""
        return len(self._open)

    def push(self, event: ChatEvent) -> list[Burst]:
        """Take a member's message; returns the burst that it ends, and its own where it fills that one."""
        closed: list[Burst] = []
        found = self._at(event)
        if found is not None and not self._joins(found, event):
            closed.append(self._close(found))
            found = None
        if found is None:
            found = self._new(event)
        found.texts[event.id] = event.text
        found.last_at = max(found.last_at, event.sent_at)
        self._of_message[event.id] = found
        if len(found.texts) >= self._limits.max_messages or found.chars >= self._limits.max_chars:
            closed.append(self._close(found))
        else:
            due = self._due(found)
            self._deadlines.put(found.number, due)
            self._rooms[event.room].deadlines.put(found.number, due)
        return closed

    def amend(self, target: EventId, text: str) -> bool:
        """Replace the text of a message (empty: deleted) if its burst is still open; tells whether it was."""
        found = self._of_message.get(target)
        if found is None:
            return False
        found.texts[target] = text
        return True

    def advance(self, now: datetime, room: RoomId | None = None) -> list[Burst]:
        """Close what nothing sent at ``now`` could join, in one room or in all, in the order of opening."""
        if room is None:
            over = self._deadlines.over(now)
        elif room in self._rooms:
            over = self._rooms[room].deadlines.over(now)
        else:
            over = []
        return [self._close(self._open[number]) for number in over]

    def flush(self) -> list[Burst]:
        """Close everything."""
        return [self._close(found) for found in list(self._open.values())]

    def _at(self, event: ChatEvent) -> _Open | None:
        room = self._rooms.get(event.room)
        return None if room is None else room.bursts.get((event.thread, event.sender))

    def _new(self, event: ChatEvent) -> _Open:
        self._opened += 1
        new = _Open(number=self._opened, first=event, last_at=event.sent_at, texts={})
        self._open[new.number] = new
        self._rooms.setdefault(event.room, _Room()).bursts[new.key] = new
        return new

    def _close(self, found: _Open) -> Burst:
        del self._open[found.number]
        self._deadlines.drop(found.number)
        room = self._rooms[found.first.room]
        room.deadlines.drop(found.number)
        del room.bursts[found.key]
        if not room.bursts:
            del self._rooms[found.first.room]
        for message in found.texts:
            del self._of_message[message]
        return found.burst()

    def _due(self, found: _Open) -> datetime:
        """The last moment at which a message could join."""
        return min(found.last_at + self._gap, found.first.sent_at + self._max_age)

    def _joins(self, found: _Open, event: ChatEvent) -> bool:
        in_time = event.sent_at <= self._due(found)
        return in_time and found.chars + 1 + len(event.text) <= self._limits.max_chars

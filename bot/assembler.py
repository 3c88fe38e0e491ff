"""Joining a member's messages to bursts. Pure: no clock, no store, nothing asynchronous.

A burst is keyed by (room, thread, sender). A message joins its member's open burst while the gap to the message before
is at most ``gap_s`` and the age of the burst at most ``max_age_s``, both by the server's time, and while count and
length stay within their limits; other members speaking in between does not split it. ``advance`` closes what no message
of that time could join any more, so membership does not depend on when or how often it is called.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from models.chat import Burst, ChatEvent, burst_id
from models.ids import EventId, MemberId, RoomId
from models.settings import BurstSettings

Key = tuple[RoomId, str | None, MemberId]


@dataclass(slots=True, kw_only=True)
class _Open:
    """A burst that may still grow."""

    first: ChatEvent
    last_at: datetime
    texts: dict[EventId, str]

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


class Assembler:
    """All open bursts. Closed ones come back without their window, which is the inbox's to tell.

    A deleted message, like one without text, keeps its place in the burst and adds nothing to its text; a burst of
    which no text is left comes back with an empty one.
    """

    def __init__(self, limits: BurstSettings) -> None:
        self._limits = limits
        self._rooms: dict[RoomId, dict[Key, _Open]] = {}

    def push(self, event: ChatEvent) -> list[Burst]:
        """Take a member's message; returns the burst that it ends, and its own where it fills that one."""
        bursts = self._rooms.setdefault(event.room, {})
        key = (event.room, event.thread, event.sender)
        closed: list[Burst] = []
        found = bursts.get(key)
        if found is not None and not self._joins(found, event):
            closed.append(bursts.pop(key).burst())
            found = None
        if found is None:
            found = bursts[key] = _Open(first=event, last_at=event.sent_at, texts={})
        found.texts[event.id] = event.text
        found.last_at = max(found.last_at, event.sent_at)
        if len(found.texts) >= self._limits.max_messages or found.chars >= self._limits.max_chars:
            closed.append(bursts.pop(key).burst())
        return closed

    def amend(self, target: EventId, text: str) -> bool:
        """Replace the text of a message (empty: deleted) if its burst is still open; tells whether it was."""
        for bursts in self._rooms.values():
            for found in bursts.values():
                if target in found.texts:
                    found.texts[target] = text
                    return True
        return False

    def advance(self, now: datetime, room: RoomId | None = None) -> list[Burst]:
        """Close what nothing sent at ``now`` could join, in one room or in all, in the order of opening."""
        closed: list[Burst] = []
        for bursts in self._of(room):
            over = [key for key, found in bursts.items() if not self._in_time(found, now)]
            closed.extend(bursts.pop(key).burst() for key in over)
        return closed

    def flush(self) -> list[Burst]:
        """Close everything."""
        closed = [found.burst() for bursts in self._rooms.values() for found in bursts.values()]
        self._rooms.clear()
        return closed

    def _of(self, room: RoomId | None) -> Iterable[dict[Key, _Open]]:
        if room is None:
            return self._rooms.values()
        return (self._rooms[room],) if room in self._rooms else ()

    def _in_time(self, found: _Open, at: datetime) -> bool:
        gap_s = (at - found.last_at).total_seconds()
        age_s = (at - found.first.sent_at).total_seconds()
        return gap_s <= self._limits.gap_s and age_s <= self._limits.max_age_s

    def _joins(self, found: _Open, event: ChatEvent) -> bool:
        return self._in_time(found, event.sent_at) and found.chars + 1 + len(event.text) <= self._limits.max_chars

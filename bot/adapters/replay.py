"""Replaying a chat from JSON lines: ``{id, room, sender, text, timestamp, reply_to?, bot?}``."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Self

from bot.adapters.base import Capabilities
from models.chat import ChatEvent
from models.errors import InputError
from models.ids import EventId, MemberId, RoomId
from models.labelled import read_json_lines
from models.store.database import storable

PLATFORM = "replay"
_CHUNK = 256
_FIRST_YEAR, _LAST_YEAR = 1900, 9000
_NO_TIME = datetime(2000, 1, 1, tzinfo=UTC)
"""Where the clock of a room without timestamps begins."""


class ReplayChat:
    """Messages of a file, at a multiple of real time or (speed 0) as fast as they are taken.

    Replies are kept in ``replies`` and go nowhere. The cursor is the number of the line, bound to the file's path.
    ``gap_s`` is the burst gap, from which times are made up for messages that have none.
    """

    def __init__(self, path: Path, *, speed: float = 0.0, gap_s: float = 12.0) -> None:
        self._path = path
        self._speed = speed
        self._gap_s = gap_s
        self.name = PLATFORM
        self.capabilities = Capabilities(pace=speed, audience=False)
        self.lines = 0
        """Messages in the file, once entered."""
        self.replies: list[tuple[RoomId, EventId | None, str]] = []

    async def __aenter__(self) -> Self:
        """Read the file once; raises InputError naming the line at fault, before anything is half done."""
        self.lines = await asyncio.to_thread(lambda: sum(1 for _ in read_replay(self._path, self._gap_s)))
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing is held open."""

    async def events(self, cursor: str | None) -> AsyncIterator[ChatEvent]:
        """Yield the events of the lines after the cursor."""
        tag = hashlib.sha256(str(self._path.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:8]
        seen, _, of = (cursor or "").partition("@")
        done = int(seen) if of == tag else 0
        lines = read_replay(self._path, self._gap_s)
        begun: tuple[float, datetime] | None = None
        while chunk := await asyncio.to_thread(lambda: list(islice(lines, _CHUNK))):
            for number, event in chunk:
                if number <= done:
                    continue
                if self._speed > 0:
                    begun = begun or (time.monotonic(), event.sent_at)
                    await asyncio.sleep(self._due_s(begun, event.sent_at))
                yield replace(event, cursor=f"{number}@{tag}")

    def durable(self, events: Sequence[ChatEvent]) -> None:
        """A file waits for no acknowledgement; its cursor lies with the events."""

    async def reply(self, room: RoomId, thread: str | None, reply_to: EventId | None, text: str) -> EventId:
        """Keep the reply; nobody reads a replayed chat."""
        del thread  # the files have none
        self.replies.append((room, reply_to, text))
        return EventId(f"{reply_to or room}:reply-{len(self.replies)}")

    async def retract(self, room: RoomId, said: EventId) -> bool:
        """What was replayed stays."""
        del room, said
        return False

    async def is_admin(self, room: RoomId, member: MemberId) -> bool:
        """Nobody rules a chat that is over."""
        del room, member
        return False

    def _due_s(self, begun: tuple[float, datetime], sent_at: datetime) -> float:
        due = begun[0] + (sent_at - begun[1]).total_seconds() / self._speed
        return max(0.0, due - time.monotonic())


def read_replay(path: Path, gap_s: float) -> Iterator[tuple[int, ChatEvent]]:
    """Yield line number and event of each message of a file.

    Messages without a timestamp get one: a run of one sender's messages in a room is close together (one burst), and a
    change of sender is further apart than ``gap_s``, so that it begins another. Raises InputError.
    """
    last: dict[RoomId, tuple[MemberId, datetime]] = {}
    step = timedelta(seconds=min(1.0, gap_s / 2))
    jump = timedelta(seconds=gap_s) + step
    for number, row in read_json_lines(path):
        try:
            room, sender = RoomId(_name(row["room"])), MemberId(_name(row["sender"]))
            before = last.get(room, (sender, _NO_TIME - step))
            sent_at = _time(row["timestamp"]) or before[1] + (step if before[0] == sender else jump)
            last[room] = (sender, sent_at)
            yield number, _event(row, room, sender, sent_at)
        except KeyError as error:
            raise InputError(f"{path}, line {number}: the field {error} is missing") from error
        except (TypeError, ValueError, OverflowError, OSError) as error:
            raise InputError(f"{path}, line {number}: {error}") from error


def _event(row: Mapping[str, Any], room: RoomId, sender: MemberId, sent_at: datetime) -> ChatEvent:
    text, reply_to = row["text"], row.get("reply_to")
    if not isinstance(text, str):
        raise TypeError("text is not a string")
    return ChatEvent(
        id=EventId(f"{PLATFORM}:{room}:{_name(row['id'])}"),
        platform=PLATFORM,
        room=room,
        sender=sender,
        text=storable(text),
        sent_at=sent_at,
        reply_to=None if reply_to is None else EventId(f"{PLATFORM}:{room}:{_name(reply_to)}"),
        is_bot=bool(row.get("bot", False)),
    )


def _name(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise TypeError(f"{value!r} is neither a string nor a whole number")
    return storable(str(value))


def _time(value: object) -> datetime | None:
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        moment = datetime.fromtimestamp(value, UTC)
    elif isinstance(value, str):
        moment = datetime.fromisoformat(value)
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    else:
        raise TypeError("timestamp is neither null, nor seconds since 1970, nor ISO 8601")
    if not _FIRST_YEAR <= moment.year < _LAST_YEAR:  # gaps are added to times, which must not leave the calendar
        raise ValueError(f"timestamp {value!r} is not between the years {_FIRST_YEAR} and {_LAST_YEAR}")
    return moment

"""Talking to the bot in a terminal: every line of standard input is a message."""

import asyncio
import os
import re
import sys
import threading
import time
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Self, TextIO

from bot.adapters.base import Capabilities
from models.chat import ChatEvent
from models.ids import EventId, MemberId, RoomId

PLATFORM = "console"
ROOM = RoomId("console")
YOU = MemberId("you")
_SPOKEN = re.compile(r"^([\w.-]{1,32}): +(.*)$", re.DOTALL)
_READ_BYTES = 65536


class ConsoleChat:
    """A chat of one room. ``name: text`` speaks as another member; anything else as "you".

    A thread of its own reads ``source`` (a file descriptor: terminal, pipe or file), because not every kind of standard
    input can be watched by the loop. It reads without Python's buffers, whose locks would hang the end of the program.
    """

    def __init__(self, source: int = 0, out: TextIO | None = None) -> None:
        self._source = source
        self._out = out
        self.name = PLATFORM
        self.capabilities = Capabilities()
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()

    async def __aenter__(self) -> Self:
        """Begin to read."""
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._read, args=(loop,), name="console", daemon=True).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """The reading thread ends with its input, or with the program."""

    async def events(self, cursor: str | None) -> AsyncIterator[ChatEvent]:
        """Yield a message for each line until the input ends. A terminal keeps nothing: the cursor is ignored."""
        del cursor
        begun, count = time.time_ns(), 0
        while (line := await self._lines.get()) is not None:
            spoken = _SPOKEN.match(line)
            sender, text = (MemberId(spoken[1]), spoken[2]) if spoken else (YOU, line)
            if not text.strip():
                continue
            count += 1
            yield ChatEvent(
                id=EventId(f"{PLATFORM}:{ROOM}:{begun}-{count}"),
                platform=PLATFORM,
                room=ROOM,
                sender=sender,
                text=text,
                sent_at=datetime.now(UTC),
            )

    def durable(self, events: Sequence[ChatEvent]) -> None:
        """A terminal waits for no acknowledgement."""

    async def reply(self, room: RoomId, thread: str | None, reply_to: EventId | None, text: str) -> EventId:
        """Print the reply."""
        del thread
        print(f"bot> {text}", file=self._out or sys.stdout, flush=True)
        return EventId(f"{reply_to or f'{PLATFORM}:{room}'}:reply-{time.time_ns()}")

    async def retract(self, room: RoomId, said: EventId) -> bool:
        """What is printed stays."""
        del room, said
        return False

    async def is_admin(self, room: RoomId, member: MemberId) -> bool:
        """Whoever sits at the terminal rules."""
        del room
        return member == YOU

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        rest = b""
        try:
            while chunk := os.read(self._source, _READ_BYTES):
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    loop.call_soon_threadsafe(self._lines.put_nowait, line.decode("utf-8", "replace"))
            if rest:
                loop.call_soon_threadsafe(self._lines.put_nowait, rest.decode("utf-8", "replace"))
        except OSError:
            pass  # the terminal went away: that is the end of the input
        except RuntimeError:
            return  # the loop has ended before the input did
        finally:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._lines.put_nowait, None)

"""What time it is at the chat's server, told from its events."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from models.chat import ChatEvent

AHEAD_MAX = timedelta(days=1)
"""How far a platform's clock may run ahead of ours; what claims to come from later is an error, or a forgery."""


def bounded(event: ChatEvent, now: datetime) -> ChatEvent:
    """Pull a time from the far future back to ``now``: it would close everybody's bursts, or overflow every sum."""
    return event if event.sent_at <= now + AHEAD_MAX else replace(event, sent_at=now)


class ServerClock:
    """The server's time: the latest event's, and what has passed here since, times ``pace``.

    Our own clock's setting does not matter, so a host whose clock is wrong closes no burst too early. A delayed event
    makes this clock late, never early, until a prompt one corrects it.
    """

    def __init__(self, pace: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._pace = pace
        self._monotonic = monotonic
        self._seen: tuple[datetime, float] | None = None

    def saw(self, sent_at: datetime) -> None:
        """Take note of an event's time."""
        now = self.now()
        if now is None or sent_at > now:
            self._seen = (sent_at, self._monotonic())

    def now(self) -> datetime | None:
        """The server's time, or None before the first event."""
        if self._seen is None:
            return None
        return self._seen[0] + timedelta(seconds=(self._monotonic() - self._seen[1]) * self._pace)

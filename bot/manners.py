"""When the bot may speak of itself, and when it had better not. Pure: the clock is the caller's."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Generic, TypeVar

from models.ids import MemberId
from models.settings import RoomRules

K = TypeVar("K")
HOUR = timedelta(hours=1)


class Hold(StrEnum):
    """Why a reply that was decided on is not given."""

    BOT = "never answers bots"
    PAUSED = "paused"
    UNMENTIONED = "not mentioned"
    QUIET = "quiet hours"
    ROOM = "enough replies in this room"
    MEMBER = "enough replies to this member"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A reply that was given in a room: to whom and when."""

    to: MemberId
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """What there is to know about a burst that could be replied to."""

    to: MemberId
    is_bot: bool
    mentioned: bool
    """A message of the burst speaks to the bot."""
    paused: bool
    """An admin of the room has asked for silence."""
    said: Sequence[Said]
    """What the bot said in the room within the last hour, and more where the caller has it."""


def hold(rules: RoomRules, occasion: Occasion, now: datetime) -> Hold | None:
    """Tell why a reply is not to be given now, or None where it may be.

    In any hour there are at most as many replies as the rules say, in a room and to each member of it.
    """
    mine = [said.at for said in occasion.said if said.to == occasion.to]
    reasons = (
        (Hold.BOT, occasion.is_bot),
        (Hold.PAUSED, occasion.paused),
        (Hold.UNMENTIONED, rules.mention_only and not occasion.mentioned),
        (Hold.QUIET, is_quiet(rules, now)),
        (Hold.ROOM, spent(rules.replies_per_hour, (said.at for said in occasion.said), now)),
        (Hold.MEMBER, spent(rules.replies_per_hour_to_member, mine, now)),
    )
    return next((reason for reason, holds in reasons if holds), None)


def is_quiet(rules: RoomRules, now: datetime) -> bool:
    """Tell whether a moment lies in a room's quiet hours; those that end before they begin go past midnight."""
    if rules.quiet is None:
        return False
    begin, end = rules.quiet
    here = now.astimezone(rules.zone).time()
    return begin <= here < end if begin < end else here >= begin or here < end


def spent(limit: int, times: Iterable[datetime], now: datetime) -> bool:
    """Tell whether what happened within the last hour uses a limit up.

    Times after ``now`` count, so that a clock that is set back gives nothing away.
    """
    return sum(at > now - HOUR for at in times) >= limit


class Hourly(Generic[K]):
    """Counts what happens to each of many (members, rooms), a sliding hour long."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._times: dict[K, deque[datetime]] = {}
        self._swept: datetime | None = None

    def take(self, key: K, now: datetime) -> bool:
        """Take one of a key's goes; False where the hour's are used up. Forgets keys that rest for an hour."""
        if self._swept is None or now - self._swept > HOUR:
            self._swept = now
            self._times = {k: times for k, times in self._times.items() if any(at > now - HOUR for at in times)}
        times = self._times.setdefault(key, deque(maxlen=self._limit))
        if spent(self._limit, times, now):
            return False
        times.append(now)
        return True

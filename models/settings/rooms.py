"""How the bot behaves, everywhere and in single rooms: [manners] and [[room]]."""

import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, time, tzinfo
from fnmatch import fnmatchcase
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from models.ids import RoomId
from models.settings.table import Table

Language = Literal["auto", "en", "zh"]
Mode = Literal["off", "listen", "label", "train"]
"""What members of a room agreed to: nothing; that the bot decides; that annotators read; that models learn."""
PerHour = Annotated[int, Field(ge=0)]


def _long(text: str) -> str:
    begin, _, end = text.partition("-")
    if text and begin == end:
        raise ValueError("it ends when it begins; write 00:00-23:59 for a whole day, or nothing for never")
    return text


Hours = Annotated[str, Field(pattern=r"^$|^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$"), AfterValidator(_long)]
"""From when to when in a day, "22:00-07:30"; empty is never. What begins later than it ends goes past midnight."""


def _known(name: str) -> str:
    zone_of(name)
    return name


Zone = Annotated[str, AfterValidator(_known)]


class MannersSettings(Table):
    """How the bot behaves in a room for which no [[room]] says otherwise."""

    language: Language = "auto"
    mention_only: bool = False
    replies_per_hour: PerHour = 20
    replies_per_hour_to_member: PerHour = 5
    quiet_hours: Hours = ""
    time_zone: Zone = "UTC"
    recall_reactions: tuple[Annotated[str, Field(min_length=1, max_length=32)], ...] = ("❌", "👎", "🗑️")


class RoomTable(Table):
    """One [[room]]: what was agreed in it, and where it differs from [manners].

    ``id`` is a room's id, or a pattern with ``*`` and ``?``.
    """

    id: Annotated[str, Field(min_length=1)]
    mode: Mode = "listen"
    training_rights: bool = False
    language: Language | None = None
    mention_only: bool | None = None
    replies_per_hour: PerHour | None = None
    replies_per_hour_to_member: PerHour | None = None
    quiet_hours: Hours | None = None
    time_zone: Zone | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomRules:
    """What holds in one room, all of it.

    ``quiet`` is from when to when in ``zone`` nothing is said of itself (the end is not part of it), or None.
    """

    mode: Mode
    training_rights: bool
    language: Language
    mention_only: bool
    replies_per_hour: int
    replies_per_hour_to_member: int
    quiet: tuple[time, time] | None
    zone: tzinfo


class Rooms:
    """What holds in which room.

    The table with exactly a room's id comes first, then the first one whose pattern fits, then [manners] alone with the
    mode "listen".
    """

    def __init__(self, manners: MannersSettings, tables: Sequence[RoomTable]) -> None:
        self._manners = manners
        self._exact = {table.id: table for table in reversed(tables)}
        self._patterns = [table for table in tables if set("*?") & set(table.id)]
        self._found: dict[RoomId, RoomRules] = {}

    def of(self, room: RoomId) -> RoomRules:
        """What holds in a room."""
        if (found := self._found.get(room)) is None:
            found = self._found[room] = self._rules(self._table(room))
        return found

    def _table(self, room: RoomId) -> RoomTable:
        fits = (table for table in self._patterns if fnmatchcase(room, table.id.replace("[", "[[]")))
        return self._exact.get(room) or next(fits, None) or RoomTable(id=room or "*")

    def _rules(self, table: RoomTable) -> RoomRules:
        here, manners = table, self._manners
        quiet = manners.quiet_hours if here.quiet_hours is None else here.quiet_hours
        hourly = manners.replies_per_hour if here.replies_per_hour is None else here.replies_per_hour
        member = here.replies_per_hour_to_member
        return RoomRules(
            mode=here.mode,
            training_rights=here.training_rights,
            language=here.language or manners.language,
            mention_only=manners.mention_only if here.mention_only is None else here.mention_only,
            replies_per_hour=hourly,
            replies_per_hour_to_member=manners.replies_per_hour_to_member if member is None else member,
            quiet=hours(quiet),
            zone=zone_of(here.time_zone or manners.time_zone),
        )


def hours(text: str) -> tuple[time, time] | None:
    """Read "22:00-07:30"; None where it is empty."""
    if not text:
        return None
    begin, end = text.split("-")
    return time.fromisoformat(begin), time.fromisoformat(end)


def zone_of(name: str) -> tzinfo:
    """A time zone by its name, such as "Asia/Shanghai"; raises ValueError where this host knows none of that name."""
    if name == "UTC":
        return UTC  # known on hosts without a time zone database too
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"no time zone {name!r} is known here; name one like Asia/Shanghai, or UTC") from error

"""What the members of a room agreed to, and what of it holds. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from models.ids import RoomId
from models.settings.rooms import Rooms


class Mode(StrEnum):
    """What a room agreed to; each allows what the one before it allows, and more.

    Off: nothing is kept. Listen: the bot decides and replies, and keeps nothing beyond the retention. Label: annotators
    may read bursts, and models are calibrated and judged on the labels. Train: models may learn from them.
    """

    OFF = "off"
    LISTEN = "listen"
    LABEL = "label"
    TRAIN = "train"

    def allows(self, wanted: "Mode") -> bool:
        """Tell whether this mode reaches as far as another."""
        return _REACH[self] >= _REACH[wanted]


_REACH: Mapping[Mode, int] = {mode: reach for reach, mode in enumerate(Mode)}

RESTRICTED: Mapping[str, str] = {
    "telegram": "Telegram's terms restrict training on what its members write",
    "discord": "Discord's terms restrict training on what its members write",
    "slack": "Slack's terms restrict training on what its members write",
}
"""Platforms on whose messages no model is trained unless the room's table says that somebody has the right to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """The mode that holds in a room; ``lowered`` says why where config.toml names a higher one."""

    mode: Mode
    lowered: str | None = None


def agreed(mode: Mode, platform: str, *, training_rights: bool) -> Agreed:
    """Take the mode of config.toml down to what a platform's terms leave of it."""
    why = RESTRICTED.get(platform)
    if mode is Mode.TRAIN and why is not None and not training_rights:
        return Agreed(mode=Mode.LABEL, lowered=f"{why}; training_rights = true beside the mode says that you may")
    return Agreed(mode=mode)


class Modes:
    """Which mode holds in which room, after the platforms' terms; it remembers what it has looked up."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._found: dict[tuple[RoomId, str], Agreed] = {}

    def of(self, room: RoomId, platform: str) -> Agreed:
        """What holds in a room of a platform."""
        key = (room, platform)
        if (found := self._found.get(key)) is None:
            rules = self._rooms.of(room)
            found = self._found[key] = agreed(Mode(rules.mode), platform, training_rights=rules.training_rights)
        return found

    def told(self, room: RoomId, platform: str) -> str:
        """What a room agreed to about training, in words."""
        found, rules = self.of(room, platform), self._rooms.of(room)
        if found.mode is not Mode.TRAIN:
            return f"mode {found.mode.value}: not trained on" + (f" ({found.lowered})" if found.lowered else "")
        if platform in RESTRICTED and rules.training_rights:
            return "mode train; the right to train on this platform's messages is stated in config.toml"
        return "mode train"


def lower(first: Mode, second: Mode) -> Mode:
    """The one of two modes that allows less."""
    return second if first.allows(second) else first

"""What may be kept of what arrives: modes of rooms and members' opt-outs, held in memory and read anew on change."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from models.chat import ChatEvent, EventKind
from models.consent import Mode, Modes
from models.ids import EventId, RoomId
from models.settings import Settings
from models.store import consent
from models.store.thread import Store


class Consent:
    """Decides about every event before it is written down. ``refresh`` first; the rest asks no database."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._store = store
        self._modes = Modes(settings.rooms())
        self._outs = consent.OptOuts()
        self._erasure = 0

    def mode(self, room: RoomId, platform: str) -> Mode:
        """The mode of a room."""
        return self._modes.of(room, platform).mode

    async def refresh(self) -> Sequence[EventId]:
        """Learn what members said since; returns messages erased since the last time, which may still be in memory."""
        news = await self._store.do(consent.news, self._outs.seq, self._erasure)
        self._outs = news.opt_outs or self._outs
        self._erasure = news.erasure
        return news.erased

    def parts(self, events: Sequence[ChatEvent]) -> list[Sequence[ChatEvent]]:
        """Cut a batch after each order of somebody who opted out: it may be to be heard again from then on."""
        ends = [
            number
            for number, event in enumerate(events, start=1)
            if event.kind is EventKind.ORDER and self._outs.is_out(event.sender, event.room)
        ]
        cuts = [0, *ends, len(events)]
        return [events[begin:end] for begin, end in pairwise(cuts) if begin < end]

    def admitted(self, event: ChatEvent) -> ChatEvent:
        """What may be kept of an event: all of it, its place in the order alone, or nothing but the cursor.

        A member who opted out is still heard when they take something back or speak to the bot itself.
        """
        if self.mode(event.room, event.platform) is Mode.OFF:
            return _nothing(event)
        if event.kind in _HEARD or not self._outs.is_out(event.sender, event.room):
            return event
        return replace(event, text="") if event.kind is EventKind.MESSAGE else _nothing(event)

    def hears(self, event: ChatEvent) -> bool:
        """Tell whether an event that was written down may still be read."""
        return self.admitted(event) is event


_HEARD = frozenset({EventKind.DELETE, EventKind.ORDER, EventKind.NOTHING})


def _nothing(event: ChatEvent) -> ChatEvent:
    return replace(event, kind=EventKind.NOTHING, text="")

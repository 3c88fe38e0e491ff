"""Telling a room, once, what the bot does there and how to be left out."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import structlog

from bot.adapters.base import ChatAdapter
from bot.echo import echo
from bot.manners import is_quiet
from bot.orders import Tongue
from bot.phrases import SENTENCES, spoken
from models.chat import ChatEvent, EventKind
from models.consent import Mode, Modes
from models.errors import PlatformError
from models.ids import RoomId
from models.settings import Settings
from models.store import consent, inbox
from models.store.thread import Store

log = structlog.get_logger(__name__)


def introduction(mode: Mode, tongue: Tongue, retention_days: int) -> str:
    """What a room is told: who reads along, what becomes of what is written, and how to be left out."""
    say = SENTENCES[tongue]
    return "\n".join((say.introduction, say.modes[mode].format(days=retention_days), say.choices))


class Introducer:
    """Introduces the bot to each room at the first message seen there: at most once, unless its mode allows more.

    Where nobody reads what the bot says (a replay) it says nothing; in quiet hours it waits for a later message.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        adapter: ChatAdapter,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._adapter = adapter
        self._rooms = settings.rooms()
        self._modes = Modes(self._rooms)
        self._days = settings.schedule.retention_days
        self._clock = clock
        self._known: set[RoomId] = set()
        self._met: asyncio.Queue[ChatEvent | None] = asyncio.Queue()

    def saw(self, events: Sequence[ChatEvent]) -> None:
        """Note the rooms of new events."""
        can = self._adapter.capabilities
        if not can.audience or can.pace == 0:
            return
        for event in events:
            if event.room in self._known or event.kind is not EventKind.MESSAGE or event.is_bot:
                continue
            if not is_quiet(self._rooms.of(event.room), self._clock()):
                self._known.add(event.room)
                self._met.put_nowait(event)

    def end(self) -> None:
        """Let ``run`` return once the rooms met so far are told."""
        self._met.put_nowait(None)

    async def run(self) -> None:
        """Tell one room after another."""
        while (event := await self._met.get()) is not None:
            await self._tell(event)

    async def _tell(self, event: ChatEvent) -> None:
        """Tell a room; noted before it is said, so that it is not said twice, and not at all if we are killed then."""
        mode = self._modes.of(event.room, event.platform).mode
        if mode is Mode.OFF:
            return
        if not await self._store.do(consent.begin_introduction, event.room, mode, self._clock()):
            return
        language = self._rooms.of(event.room).language
        tongue = spoken([event.text]) if language == "auto" else language
        try:
            said = await self._adapter.reply(event.room, None, None, introduction(mode, tongue, self._days))
        except PlatformError as error:
            log.warning("room not told what the bot does", room=event.room, error=str(error))
            await self._store.do(lambda db: consent.end_introduction(db, event.room, told=False))
            return
        await self._store.do(inbox.keep_silent_about, echo(said, event, self._clock()))
        await self._store.do(lambda db: consent.end_introduction(db, event.room, told=True))
        log.info("room told what the bot does", room=event.room, mode=mode.value)

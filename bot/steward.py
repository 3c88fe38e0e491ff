"""Carrying out what members tell the bot itself, and noting their reactions.

Every order is durable in the inbox before it gets here. It is carried out, then marked as handled and emptied of its
text, and only then answered: killed in between, what is harmless to do twice is done again, and nothing is said twice.
What a member says about being heard holds from the order on, so it is done at once, before the next event is looked at.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import structlog

from bot.adapters.base import ChatAdapter
from bot.echo import echo
from bot.manners import Hourly
from bot.orders import Order, Verb, parse
from bot.phrases import SENTENCES, Sentences, spoken
from bot.recall import Recall
from bot.why import account, explain, meant
from models.chat import ChatEvent, EventKind
from models.errors import PlatformError
from models.ids import ErasureId, EventId, MemberId, RoomId
from models.question import Question
from models.settings import Rooms
from models.store import consent, erasure, feedback, inbox, pauses
from models.store.database import Database, transaction
from models.store.thread import Store

ANSWERS_PER_HOUR = 20
"""To orders of one member in one room; further ones are carried out without a word."""
EARLY_S = 5.0
"""After how long a reaction is looked at again that was quicker than the burst that it is about."""
_SPEAKING = 10
"""Messages of the room from which its language is told."""
_RIGHTS = frozenset({Verb.PAUSE, Verb.RESUME, Verb.OPT_OUT, Verb.OPT_IN, Verb.FORGET})
"""Orders that are answered in a paused room too."""
_HEARING = frozenset({Verb.OPT_OUT, Verb.OPT_IN, Verb.FORGET})

log = structlog.get_logger(__name__)


class Steward:
    """Serves one chat. ``hear`` what arrived, ``release`` it when all before it is durable, ``run`` until ``end``."""

    def __init__(
        self,
        store: Store,
        adapter: ChatAdapter,
        questions: Sequence[Question],
        rooms: Rooms,
        recall_reactions: Sequence[str],
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._adapter = adapter
        self._questions = tuple(questions)
        self._rooms = rooms
        self._recall_key = next(iter(recall_reactions), None) if adapter.capabilities.reactions else None
        self._recall = Recall(store, adapter, recall_reactions, clock)
        self._clock = clock
        self._answers: Hourly[tuple[RoomId, MemberId]] = Hourly(ANSWERS_PER_HOUR)
        self._heard: list[ChatEvent] = []
        self._released: deque[ChatEvent] = deque()
        self._early: list[ChatEvent] = []
        self._woken = asyncio.Event()
        self._ended = False

    @staticmethod
    def minds(event: ChatEvent) -> bool:
        """Tell whether an event is for the steward: an order or a reaction, and no bot's."""
        return event.kind in (EventKind.ORDER, EventKind.REACTION) and not event.is_bot

    async def hear(self, event: ChatEvent) -> list[EventId]:
        """Take an order or a reaction; returns messages that are no longer to be joined to bursts.

        These are the member's own that no burst has yet, once they want to be left out or forgotten.
        """
        self._heard.append(event)
        order = parse(event.text) if event.kind is EventKind.ORDER else None
        if order is None or order.verb not in _HEARING:
            return []
        room, now = None if order.everywhere else event.room, self._clock()
        if order.verb is Verb.OPT_IN:
            await self._store.do(consent.opt_in, event.sender, room, now)
            return []
        if order.verb is Verb.OPT_OUT:
            await self._store.do(consent.opt_out, event.sender, room, now)
        open_yet = await self._store.do(inbox.waiting_messages, event.sender, room)
        await self._store.do(inbox.settle, open_yet)
        return open_yet

    def release(self) -> None:
        """Let what was heard be carried out."""
        if self._heard:
            self._released.extend(self._heard)
            self._heard.clear()
            self._woken.set()

    def end(self) -> None:
        """Let ``run`` return when all is done; nothing more will be heard."""
        self._ended = True
        self._woken.set()

    async def run(self) -> None:
        """Carry out what is released, one after another."""
        while True:
            self._woken.clear()
            ended = self._ended
            while self._released:
                event = self._released.popleft()
                if event.kind is EventKind.ORDER:
                    await self._obey(event)
                elif not await self._recall.reacted(event, at_last=ended):
                    self._early.append(event)
            if ended:
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(EARLY_S if self._early else None):
                    await self._woken.wait()
            self._released.extend(self._early)
            self._early.clear()

    async def _obey(self, event: ChatEvent) -> None:
        order = parse(event.text)
        answer = await self._carry_out(order, event, await self._sentences(order, event))
        await self._store.do(inbox.settle, [event.id])
        log.info("order", verb=order.verb.value, room=event.room)
        if answer is None or not self._answers.take((event.room, event.sender), self._clock()):
            return
        if order.verb not in _RIGHTS and await self._store.do(pauses.is_paused, event.room, self._clock()):
            return
        try:
            said = await self._adapter.reply(event.room, event.thread, event.id, answer)
        except PlatformError as error:
            log.warning("order not answered", verb=order.verb.value, error=str(error))
            return
        told = echo(said, event, self._clock(), thread=event.thread, reply_to=event.id)
        await self._store.do(inbox.keep_silent_about, told)

    async def _carry_out(self, order: Order, event: ChatEvent, say: Sentences) -> str | None:
        """Do what an order says; returns what to answer, None for nothing."""
        match order.verb:
            case Verb.WHY:
                return await self._why(event, say)
            case Verb.RECALL:
                return await self._recall.ordered(event, say)
            case Verb.PAUSE | Verb.RESUME:
                return await self._pause(order, event, say)
            case Verb.FORGET:
                return await self._forget(order, event, say)
        return {
            Verb.HELP: self._help(say),
            Verb.OPT_OUT: say.opted_out_everywhere if order.everywhere else say.opted_out,
            Verb.OPT_IN: say.opted_in_everywhere if order.everywhere else say.opted_in,
        }.get(order.verb, say.unknown)

    def _help(self, say: Sentences) -> str:
        key = self._recall_key
        return say.help.format(reaction="" if key is None else say.help_reaction.format(key=key))

    async def _sentences(self, order: Order, event: ChatEvent) -> Sentences:
        """The language of the order's word if that is Chinese, else the room's, else the one spoken there."""
        language = self._rooms.of(event.room).language
        if order.tongue == "zh" or language == "zh":
            return SENTENCES["zh"]
        if language == "en":
            return SENTENCES["en"]
        before = await self._store.do(inbox.window_before, event.room, event.id, _SPEAKING)
        return SENTENCES[spoken(message.text for message in before)]

    async def _why(self, event: ChatEvent, say: Sentences) -> str:
        subject = await self._store.do(meant, event.room, event.sender, event.reply_to)
        if subject is None:
            return say.why_nothing
        if subject.said is None and subject.asker != event.sender:
            return say.why_whose
        return explain(await self._store.do(account, subject.burst), self._questions, say)

    async def _pause(self, order: Order, event: ChatEvent, say: Sentences) -> str:
        try:
            if not await self._adapter.is_admin(event.room, event.sender):
                return say.admins_only
        except PlatformError as error:
            log.warning("not known who is an admin", room=event.room, error=str(error))
            return say.admins_unknown
        if order.verb is Verb.RESUME:
            await self._store.do(pauses.resume, event.room)
            return say.resumed
        now = self._clock()
        until = None if order.hours is None else now + timedelta(hours=order.hours)
        await self._store.do(pauses.pause, event.room, until, event.sender, now)
        return say.paused if order.hours is None else say.paused_hours.format(hours=f"{order.hours:g}")

    async def _forget(self, order: Order, event: ChatEvent, say: Sentences) -> str:
        room = None if order.everywhere else event.room
        report = await self._store.do(_forget, event, room, self._clock())
        return (say.forgotten_everywhere if order.everywhere else say.forgotten).format(report=report)


def _forget(db: Database, event: ChatEvent, room: RoomId | None, at: datetime) -> ErasureId:
    """Erase what the order's member said and thought; done once, for afterwards the order is nobody's."""
    with transaction(db):
        report = erasure.forget_member(db, event.sender, room, at)
        feedback.forget(db, event.sender, room)
        inbox.settle(db, [event.id])
    return report

"""The live flow, whole.

    adapter -> inbox -> assembler -> closed bursts -> decisions -> act | ask | pass;  unsure bursts -> pool -> requests

The store is the queue between all of these. Each step reads what the one before made durable, does its part and writes
it down in one transaction, so a restart needs no recovery: events without a burst are assembled again, bursts without a
route are decided, unsure ones are picked from, acts without a reply are carried out. Nothing is kept in memory that
would be missed.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime

import structlog

from bot.act import Actor
from bot.adapters.base import ChatAdapter
from bot.arrivals import Arrivals
from bot.asking import Asker
from bot.assembler import Assembler
from bot.clock import ServerClock, bounded
from bot.consent import Consent
from bot.introduction import Introducer
from bot.orders import told_apart
from bot.routing import overlap, route
from bot.slot import ServingSlot
from bot.steward import Steward
from bot.tally import Tally
from models.chat import Burst, ChatEvent, EventKind
from models.decision import Decision, Routing
from models.errors import ModelError
from models.ids import BurstId, EventId
from models.labels import request_id
from models.settings import Settings
from models.store import bursts, decisions, erasure, feedback, inbox
from models.store.decisions import Routed
from models.store.revision import revise
from models.store.thread import Store

BURSTS_MAX = 16
"""Bursts decided in one go; a model is exchanged between two such batches."""
REPLIES_MAX = 4
"""Answers waited for at the same time."""
ASK_S = 1.0
"""The pool is looked at no more often than this."""

log = structlog.get_logger(__name__)


class Pipeline:
    """One chat's flow. ``actor`` is None where nobody answers: decisions are made and nothing is said.

    ``steward`` carries out orders and notes reactions; without one they are only kept out of bursts.
    ``on_routed`` is called after each burst whose route is durable (progress bars).
    """

    def __init__(
        self,
        *,
        settings: Settings,
        store: Store,
        adapter: ChatAdapter,
        slot: ServingSlot,
        actor: Actor | None = None,
        steward: Steward | None = None,
        asker: Asker | None = None,
        on_routed: Callable[[Burst, Sequence[Decision], Routing], None] | None = None,
    ) -> None:
        self._settings = settings
        self._questions = settings.questions
        self._store = store
        self._adapter = adapter
        self._slot = slot
        self._actor = actor
        self._steward = steward
        self._asker = asker or Asker(settings, store)
        self._on_routed = on_routed
        self._consent = Consent(settings, store)
        self._introducer = Introducer(settings, store, adapter)
        self._assembler = Assembler(settings.burst)
        self._clock = ServerClock(adapter.capabilities.pace)
        self._arrivals = Arrivals()
        self._closed, self._routed = asyncio.Event(), asyncio.Event()
        self._unsure, self._decided = asyncio.Event(), asyncio.Event()
        self._all_closed = self._all_routed = False
        self._amended: set[BurstId] = set()
        self.tally = Tally()
        self._log = log.bind()  # made once: a line a burst is written

    async def run(self) -> None:
        """Run until the chat has ended and all is decided; cancel it to stop.

        What is open then stays open in the inbox, for the next start.
        """
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._receive())
            tasks.create_task(self._assemble())
            tasks.create_task(self._decide())
            tasks.create_task(self._ask())
            tasks.create_task(self._introducer.run())
            if self._actor is not None:
                tasks.create_task(self._act(self._actor))
            if self._steward is not None:
                tasks.create_task(self._steward.run())

    # 1. From the platform to memory; the cursor is the last durable event's.

    async def _receive(self) -> None:
        cursor = await self._store.do(inbox.cursor, self._adapter.name)
        live = self._adapter.capabilities.pace == 1.0  # a replay's times may lie anywhere
        async for event in self._adapter.events(cursor):
            await self._arrivals.put(bounded(event, datetime.now(UTC)) if live else event)
        await self._arrivals.end()

    # 2. From memory to the inbox, and from the inbox to closed bursts.

    async def _assemble(self) -> None:
        await self._consent.refresh()
        left = await self._store.do(inbox.unhandled)
        await self._store.do(inbox.settle, [event.id for event in left if not self._consent.hears(event)])
        await self._take([event for event in left if self._consent.hears(event)])
        timed = self._adapter.capabilities.pace > 0
        while (batch := await self._arrivals.next()) is not None:
            for part in self._consent.parts([told_apart(event) for event in batch]):
                await self._keep(part)
            if timed and self._arrivals.empty() and (now := self._clock.now()) is not None:
                await self._close(self._assembler.advance(now))
        await self._close(self._assembler.flush())
        if self._steward is not None:
            self._steward.end()
        self._introducer.end()
        self._all_closed = True
        self._closed.set()

    async def _keep(self, events: Sequence[ChatEvent]) -> None:
        """Make events durable as far as they may be kept, then assemble those that are new."""
        for erased in await self._consent.refresh():
            self._assembler.amend(erased, "")
        new = await self._store.do(inbox.append, [self._consent.admitted(event) for event in events])
        self._adapter.durable(events)
        self.tally.messages += sum(event.kind is EventKind.MESSAGE for event in new)
        self._introducer.saw(new)
        await self._take(new)

    async def _take(self, events: Sequence[ChatEvent]) -> None:
        """Assemble durable events. What closes becomes durable in order, and nothing is called handled before."""
        closed: list[Burst] = []
        handled: list[EventId] = []
        unwanted: set[EventId] = set()
        for event in events:
            self._clock.saw(event.sent_at)
            closed += self._assembler.advance(event.sent_at, event.room)
            if event.kind is EventKind.MESSAGE and not event.is_bot and event.id not in unwanted:
                closed += self._assembler.push(event)
                continue
            if self._steward is not None and self._steward.minds(event):
                if event.kind is EventKind.ORDER:
                    await self._close(closed)
                    closed = []
                for message in await self._steward.hear(event):
                    self._assembler.amend(message, "")
                    unwanted.add(message)
                continue
            if event.kind in (EventKind.EDIT, EventKind.DELETE):
                await self._close(closed)
                closed = []
                await self._amend(event)
            handled.append(event.id)
        await self._close(closed, handled)
        if self._steward is not None:
            self._steward.release()

    async def _close(self, closed: Sequence[Burst], handled: Sequence[EventId] = ()) -> None:
        """Make closed bursts durable with their windows; those without any text left are only marked as handled."""
        full = [burst for burst in closed if burst.text.strip()]
        empty = [message for burst in closed if not burst.text.strip() for message in burst.message_ids]
        if not (closed or handled):
            return
        size = self._settings.burst.window
        await self._store.do(bursts.close_with_windows, full, size, [*empty, *handled], datetime.now(UTC))
        self.tally.bursts += len(full)
        self._closed.set()

    async def _amend(self, event: ChatEvent) -> None:
        """Carry out an edit or a deletion: in the open burst, or by deciding or withdrawing the closed one anew.

        What people said about the old text counts no more: they are asked again about the new one.
        """
        target = await self._store.do(inbox.meant, event)
        if target is None:
            return
        text = event.text if event.kind is EventKind.EDIT else ""
        self._assembler.amend(target, text)
        found = await self._store.do(inbox.burst_of, target)
        # A decision under way is about the old text, whether it ends before the change or after it.
        self._amended.update([found] if found else [])
        again = None if found is None else request_id(found, self._questions)
        if event.kind is EventKind.DELETE:
            await self._store.do(feedback.withdraw, target)
            await self._store.do(erasure.redact, target, event.room, datetime.now(UTC), again)
        else:
            await self._store.do(revise, target, text, again, datetime.now(UTC))
        self._amended.update([found] if found else [])
        self._closed.set()

    # 3. From closed bursts to routes and requests.

    async def _decide(self) -> None:
        while True:
            last = self._all_closed
            self._closed.clear()
            self._amended.clear()
            batch = await self._store.do(bursts.undecided, BURSTS_MAX)
            if batch:
                await self._route(batch, await self._answers(batch))
            elif last:
                break
            else:
                await self._closed.wait()
        self._all_routed = True
        self._routed.set()
        self._unsure.set()
        self._decided.set()

    async def _answers(self, batch: Sequence[Burst]) -> list[tuple[Decision, ...]]:
        """Decide a batch; a burst on which the model fails gets no decision, and is asked about like an unsure one."""
        try:
            return await self._slot.decide(batch)
        except ModelError as error:
            if len(batch) > 1:
                return [answers for burst in batch for answers in await self._answers([burst])]
            log.error("not decided", burst=batch[0].id, error=str(error))  # noqa: TRY400 - it says all
            return [()]

    async def _route(self, batch: Sequence[Burst], answers: Sequence[tuple[Decision, ...]]) -> None:
        now = datetime.now(UTC)
        routed: list[tuple[Burst, Routed]] = []
        for burst, made in zip(batch, answers, strict=True):
            if burst.id in self._amended:
                continue  # it is read again, with its new text
            mode = self._consent.mode(burst.room, burst.platform)
            ask = self._settings.ask
            people = overlap(burst.id, self._settings.argilla, ask.seed)
            routing, request = route(burst, self._questions, made, ask, now=now, mode=mode, people=people)
            routed.append((burst, Routed(decisions=made, routing=routing, request=request)))
        await self._store.do(decisions.record_all, [one for _, one in routed], now)
        for burst, one in routed:
            self._note(burst, one)
        self._routed.set()
        if any(one.routing.unsure for _, one in routed):
            self._unsure.set()

    def _note(self, burst: Burst, routed: Routed) -> None:
        made, routing = routed.decisions, routed.routing
        self.tally.count(routed)
        self._log.info(
            "burst",
            burst=burst.id,
            route=routing.route.value,
            reason=routing.reason,
            audit=routing.audit,
            margin=[round(decision.margin, 3) for decision in made],
            revision=made[0].revision if made else None,
            ms=round(made[0].milliseconds, 1) if made else None,
        )
        if self._on_routed is not None:
            self._on_routed(burst, made, routing)

    # 4. From the pool of unsure bursts to requests, within the day's budget.

    async def _ask(self) -> None:
        while True:
            last = self._all_routed
            self._unsure.clear()
            self.tally.top_up(await self._asker.top_up())
            if last:
                break
            await self._unsure.wait()
            with suppress(TimeoutError):  # what becomes unsure within a moment is compared
                async with asyncio.timeout(ASK_S):
                    await self._decided.wait()

    # 5. From acts to replies.

    async def _act(self, actor: Actor) -> None:
        while True:
            last = self._all_routed
            self._routed.clear()
            waiting = await self._store.do(decisions.unanswered, REPLIES_MAX + 1)
            async with asyncio.TaskGroup() as tasks:
                for burst in waiting[:REPLIES_MAX]:
                    tasks.create_task(actor.act(burst))
            if len(waiting) > REPLIES_MAX:
                continue
            if last:
                break
            await self._routed.wait()

"""Acting on a burst: fetch an answer, say it in the thread, write it down; each burst once, whatever happens."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog

from bot.adapters.base import ChatAdapter
from bot.echo import echo
from bot.manners import HOUR, Occasion, Said, hold
from bot.why import HELD
from models.chat import Burst, WindowMessage
from models.decision import Decision
from models.errors import PlatformError
from models.ids import BurstId, EventId, QuestionId
from models.question import Question
from models.settings import Rooms
from models.store import bursts, decisions, inbox, pauses, replies
from models.store.database import Database
from models.store.thread import Store

CONTEXT = QuestionId("needs_context")
"""The question whose surely positive answer means that the window goes along."""
STALE = timedelta(minutes=10)
"""A reply to something decided longer ago would puzzle everybody; it is not given."""
SENDING, SENT, FAILED, TOO_LATE = "sending", "sent", "failed", "stale"

log = structlog.get_logger(__name__)


class AnswerSource(Protocol):
    """Where answers come from: ``bot.answer.Answerer``."""

    async def answer(self, question: str, context: Sequence[WindowMessage]) -> str:
        """Answer a question; raises PlatformError."""


class Actor:
    """Replies to bursts that were routed to act, where the manners of their rooms let it."""

    def __init__(
        self,
        store: Store,
        adapter: ChatAdapter,
        answers: AnswerSource,
        questions: Sequence[Question],
        rooms: Rooms,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._adapter = adapter
        self._answers = answers
        self._questions = {question.id: question for question in questions}
        self._rooms = rooms
        self._clock = clock
        self._turn = asyncio.Lock()

    async def act(self, burst_id: BurstId) -> None:
        """Reply to one burst.

        The reply is written down before it is sent: if we are killed in between it is not said, rather than said
        twice. Failures are written down and logged, never raised.
        """
        burst = await self._store.do(bursts.get, burst_id)
        made = await self._store.do(decisions.decisions_of, burst_id)
        if burst is None or not burst.text.strip() or not made:
            await self._note(burst_id, "", TOO_LATE)
            return
        if await self._out_of_place(burst, made):
            return
        try:
            text = await self._answers.answer(burst.text, burst.window if self._needs_context(made) else ())
            async with self._turn:  # two replies at once must not both take the last place of the hour
                if await self._out_of_place(burst, made):
                    return
                await self._note(burst_id, text, SENDING)
            said = await self._say(burst, text)
        except PlatformError as error:
            log.warning("no reply", burst=burst_id, error=str(error))
            await self._note(burst_id, "", FAILED)
            return
        await self._note(burst_id, text, SENT, said)
        log.info("replied", burst=burst_id)

    async def _out_of_place(self, burst: Burst, made: Sequence[Decision]) -> bool:
        """Tell whether it is too late for a reply, or manners forbid it. Then it is not given later either."""
        now = self._clock()
        if made[-1].decided_at < now - STALE:
            state = TOO_LATE
        elif reason := hold(self._rooms.of(burst.room), await self._store.do(_occasion, burst, now), now):
            state = HELD + reason.value
        else:
            return False
        await self._note(burst.id, "", state)
        log.info("not replied", burst=burst.id, state=state)
        return True

    async def _say(self, burst: Burst, text: str) -> EventId:
        """Send the reply, and put it in the inbox so that later windows show it; returns its id on the platform."""
        said = await self._adapter.reply(burst.room, burst.thread, burst.message_ids[-1], text)
        event = echo(said, burst, self._clock(), text=text, thread=burst.thread, reply_to=burst.message_ids[-1])
        await self._store.do(inbox.append, [event])
        await self._store.do(inbox.mark_handled, [said])
        return said

    async def _note(self, burst: BurstId, text: str, state: str, said: EventId | None = None) -> None:
        await self._store.do(decisions.record_reply, burst, text, state, self._clock(), said)

    def _needs_context(self, made: Sequence[Decision]) -> bool:
        question = self._questions.get(CONTEXT)
        return question is not None and any(
            decision.question == CONTEXT and decision.sure == question.positive for decision in made
        )


def _occasion(db: Database, burst: Burst, now: datetime) -> Occasion:
    mentioned, is_bot = replies.addressed(db, burst.id)
    return Occasion(
        to=burst.sender,
        is_bot=is_bot,
        mentioned=mentioned,
        paused=pauses.is_paused(db, burst.room, now),
        said=[Said(to=to, at=at) for to, at in replies.given_since(db, burst.room, now - HOUR)],
    )

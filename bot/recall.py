"""Taking replies back, by order or by reaction, and keeping what members thought of them as feedback."""

from collections.abc import Callable, Collection
from datetime import datetime

import structlog

from bot.adapters.base import ChatAdapter
from bot.phrases import Sentences
from models.chat import ChatEvent, EventKind
from models.errors import PlatformError
from models.feedback import Feedback, FeedbackKind, Subject, bare
from models.store import consent, feedback, inbox
from models.store.database import Database
from models.store.thread import Store

log = structlog.get_logger(__name__)


class Recall:
    """Takes back what the bot said where its asker or an admin of the room wants it.

    ``reactions`` are the emoji that stand for the order. Doing anything twice is harmless.
    """

    def __init__(
        self,
        store: Store,
        adapter: ChatAdapter,
        reactions: Collection[str],
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._adapter = adapter
        self._keys = frozenset(bare(key) for key in reactions)
        self._clock = clock

    async def ordered(self, event: ChatEvent, say: Sentences) -> str | None:
        """Take back the reply that an order answers, or else the last one that its member may rule over.

        Returns what to answer: None where the reply is gone, which says enough.
        """
        found = await self._store.do(_recallable, event)
        if not found:
            return say.recall_nothing
        for subject in found:
            if await self._may(event, subject):
                return None if await self._take_back(event, subject) else say.recall_impossible
        return say.recall_whose

    async def reacted(self, event: ChatEvent, *, at_last: bool = False) -> bool:
        """Note a reaction; one that stands for a recall, on a reply, by its asker or an admin, is carried out.

        False where it is too early, for the message that it is about is still in an open burst; ``at_last`` it is
        dropped then.
        """
        target, early = await self._store.do(_about, event)
        if early and not at_last:
            return False
        if target is not None:
            wanted = target.said is not None and bare(event.text) in self._keys
            if wanted and await self._may(event, target):
                await self._take_back(event, target)
            else:
                await self._keep(event, target, FeedbackKind.REACTION)
        await self._store.do(inbox.settle, [event.id])
        return True

    async def _may(self, event: ChatEvent, subject: Subject) -> bool:
        if event.sender == subject.asker:
            return True
        try:
            return await self._adapter.is_admin(event.room, event.sender)
        except PlatformError as error:
            log.warning("not known who is an admin", room=event.room, error=str(error))
            return False

    async def _take_back(self, event: ChatEvent, subject: Subject) -> bool:
        """Have a reply taken back, and note that somebody wanted it; tells whether the platform did it."""
        await self._keep(event, subject, FeedbackKind.RECALL)
        if subject.said is None:
            return False
        try:
            done = await self._adapter.retract(event.room, subject.said)
        except PlatformError as error:
            log.warning("reply not taken back", burst=subject.burst, error=str(error))
            return False
        if done:
            await self._store.do(feedback.recall, subject.said)
            log.info("reply taken back", burst=subject.burst)
        return done

    async def _keep(self, event: ChatEvent, subject: Subject, kind: FeedbackKind) -> None:
        """Write feedback down, unless its member wants nothing kept."""
        if await self._store.do(consent.is_out, event.sender, event.room):
            return
        key = bare(event.text) if event.kind is EventKind.REACTION else ""
        given = Feedback(event=event.id, subject=subject, member=event.sender, kind=kind, key=key, at=self._clock())
        await self._store.do(feedback.note, given)


def _about(db: Database, event: ChatEvent) -> tuple[Subject | None, bool]:
    """What a reaction is about, and whether that cannot be told yet; asked in one step, for bursts close meanwhile."""
    if event.target is None:
        return None, False
    subject = feedback.subject(db, event.room, event.target)
    return subject, subject is None and inbox.is_open(db, event.target)


def _recallable(db: Database, event: ChatEvent) -> list[Subject]:
    """Replies that an order to recall may mean, the likeliest first."""
    if event.reply_to is not None:
        pointed = feedback.subject(db, event.room, event.reply_to)
        if pointed is not None and pointed.said is None:
            pointed = feedback.reply_to(db, pointed.burst)
        return [] if pointed is None else [pointed]
    found = [feedback.last_reply(db, event.room), feedback.last_reply_to(db, event.room, event.sender)]
    return [subject for subject in found if subject is not None]

"""What annotators' work did: read from the store, and told in the labelling queue when it changes."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog

from labeling.desk import Desk
from labeling.effect import Doubts, Rates, Work, compare, work_of
from labeling.news import news_of
from labeling.titles import Tongue
from models.errors import LabelingError
from models.store import decisions, learning, promotions, responses
from models.store.database import Database
from models.store.thread import Store

EVERY = timedelta(hours=1)
"""How often it is worked out anew; after a promotion the ask rate takes days to be known."""

log = structlog.get_logger(__name__)


def effect_of(db: Database, name: str | None, now: datetime) -> tuple[Work, Rates | None, datetime | None]:
    """Count the work of one annotator, or of all; ask rates before and after the newest model, and when it came.

    Raises LabelingError for a name that has answered nothing.
    """
    given = responses.every(db)
    if name is not None and all(response.annotator != name for response in given):
        raise LabelingError(f"nobody called {name} has answered anything yet")
    slots = promotions.slots(db)
    made = {candidate.id: candidate.created_at for candidate, _ in learning.candidates(db)}
    newest = slots[-1] if slots and slots[-1].candidate is not None else None
    if newest is None or newest.candidate is None:
        return work_of(name, given, None), None, None
    begin = slots[-2].since if len(slots) > 1 else datetime.fromtimestamp(0, UTC)
    rates = compare(_doubts(db, begin, newest.since), _doubts(db, newest.since, now))
    return work_of(name, given, made.get(newest.candidate)), rates, newest.since


class News:
    """Keeps the news on top of the queue's guidelines; ``tell`` may be called as often as one likes."""

    def __init__(
        self, store: Store, desk: Desk, tongue: Tongue, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._store = store
        self._desk = desk
        self._tongue = tongue
        self._clock = clock
        self._looked: datetime | None = None
        self._told: str | None = None

    async def tell(self) -> None:
        """Look once an hour, and tell what has changed; where Argilla cannot be reached, an hour later again."""
        now = self._clock()
        if self._looked is not None and now - self._looked < EVERY:
            return
        self._looked = now
        news = news_of(*await self._store.do(effect_of, None, now), self._tongue)
        if news == self._told:
            return
        try:
            await self._desk.announce(news)
        except LabelingError as error:
            log.info("the news for annotators wait", error=str(error))
        else:
            self._told = news


def _doubts(db: Database, since: datetime, until: datetime) -> list[Doubts]:
    counted = decisions.doubts(db, since, until)
    return [Doubts(room=room, bursts=bursts, unsure=unsure) for room, (bursts, unsure) in counted.items()]

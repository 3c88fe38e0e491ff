"""From the pool of unsure bursts to requests: as many as the day's budget allows by now, chosen by a strategy.

    route: unsure -> pool (a query over what is durable) -> budget, pace -> near-duplicates once -> strategy -> request

Whenever it is stopped, what was not picked is still in the pool at the next start, until it is too old.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import structlog

from bot.committee import read_beside
from bot.routing import overlap
from models.acquisition.choice import Picks, choose, strategy_for
from models.acquisition.ngrams import vectors
from models.acquisition.pace import allowance, day_of
from models.acquisition.pool import Floats, Pool, View
from models.acquisition.settled import Changes, changes, reduced, settled
from models.acquisition.strategies import COMMITTEE, MARGIN
from models.consent import Mode, Modes
from models.decision import Decision
from models.errors import ModelError
from models.ids import OptionId, QuestionId, RoomId
from models.labels import Request, RequestState, request_id
from models.question import Question, versions
from models.settings import Settings
from models.store import labels, learning, pool, requests
from models.store.database import Database
from models.store.pool import Waiting
from models.store.thread import Store

POOL_MAX = 500
"""Of a pool that is larger, the newest take part."""
ASKED_MAX = 500
"""Near-duplicates are looked for among so many of the latest requests."""

log = structlog.get_logger(__name__)


class Asker:
    """Fills the outbox whenever ``top_up`` is called; two calls at a time wait for each other."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        rng: np.random.Generator | None = None,
    ) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock
        self._rng = rng or np.random.default_rng()
        modes = Modes(settings.rooms())
        self._modes: Callable[[RoomId, str], Mode] = lambda room, platform: modes.of(room, platform).mode
        self._lock = asyncio.Lock()

    async def top_up(self) -> int:
        """Pick from the pool what the budget allows by now; returns how many requests were written down."""
        async with self._lock:
            now = self._clock()
            count = await self._store.do(allowed, self._settings, now)
            if count == 0:
                return 0
            since = now - timedelta(hours=self._settings.ask.pool_hours)
            found = await self._store.do(pool.waiting, since, POOL_MAX, self._modes)
            if not found:
                return 0
            known = await self._store.do(labels.labelled_bursts)
            name = strategy_for(self._settings.ask.strategy, known, self._settings.ask.cold_start)
            asked = await self._store.do(pool.asked_lately, ASKED_MAX)
            try:
                picks = await asyncio.to_thread(self._choose, found, asked, count, name)
            except ModelError as error:
                log.warning("asked by margin, for the committee cannot be read", error=str(error))
                name = MARGIN
                picks = await asyncio.to_thread(self._choose, found, asked, count, name)
            chosen = [found[row] for row in picks.rows]
            wanted = [self._request(one, name, picks.probability, now) for one in chosen if not one.audited]
            new = await self._store.do(pool.pick, wanted, [one.burst.id for one in chosen if one.audited])
            log.info("asked", requests=new, pool=len(found), strategy=name)
            return new

    def _choose(self, found: Sequence[Waiting], asked: Sequence[str], count: int, name: str) -> Picks:
        questions = self._settings.questions
        readings = [[one.decisions for one in found]]
        if name == COMMITTEE:
            readings += read_beside([one.burst for one in found], self._settings)
        whole = Pool(
            views=views(questions, readings),
            vectors=vectors([one.burst.text for one in found]),
            asked=vectors(asked),
        )
        audited = [one.audited for one in found]
        return choose(whole, count, name, self._rng, audited, skip_alike=self._settings.ask.skip_alike)

    def _request(self, one: Waiting, name: str, probability: float, now: datetime) -> Request:
        return Request(
            id=request_id(one.burst.id, self._settings.questions),
            burst=one.burst.id,
            strategy=name,
            probability=probability,
            blind=False,
            state=RequestState.PENDING,
            created_at=now,
            overlap=overlap(one.burst.id, self._settings.argilla, self._settings.ask.seed),
        )


def allowed(db: Database, settings: Settings, now: datetime) -> int:
    """How many requests may be made now."""
    spent = requests.asked_since(db, day_of(now))
    if allowance(settings.ask.daily_budget, spent, now, paced=settings.ask.paced) == 0:
        return 0  # the usual case, for one query
    return allowance(budget(db, settings), spent, now, paced=settings.ask.paced)


def budget(db: Database, settings: Settings) -> int:
    """The day's budget: less than config.toml's while recent labels no longer change decisions."""
    ask = settings.ask
    return reduced(ask.daily_budget, ask.settled_share) if settled(last_changes(db, settings)) else ask.daily_budget


def last_changes(db: Database, settings: Settings) -> dict[str, Changes]:
    """What the last training of the present questions changed, by the gate's check; nothing before the first one."""
    known = versions(settings.questions)
    last = next((v for c, v in learning.candidates(db) if c.question_versions == known), None)
    return {} if last is None else changes(last.checks)


def standing(db: Database, settings: Settings, now: datetime) -> dict[str, Any]:
    """How asking stands, for ``quandary status``."""
    ask = settings.ask
    seen = last_changes(db, settings)
    return {
        "strategy": strategy_for(ask.strategy, labels.labelled_bursts(db), ask.cold_start),
        "budget": budget(db, settings),
        "asked_today": requests.asked_since(db, day_of(now)),
        "pool": pool.size(db, now - timedelta(hours=ask.pool_hours)),
        "settled": settled(seen),
        "changes": {name: {**asdict(found), "at_most": round(found.at_most, 4)} for name, found in seen.items()},
    }


def views(questions: Sequence[Question], readings: Sequence[Sequence[Sequence[Decision]]]) -> tuple[View, ...]:
    """Lay decisions [model][burst] out by question.

    A question counts by the probability that it applies, by what the deciding model says about those it comes after. A
    question that the deciding model is sure about has nothing to be learned; one without a decision is as unsure as can
    be.
    """
    applies: dict[tuple[QuestionId, OptionId], Floats] = {}
    found = []
    for question in questions:
        uniform = {option.id: 1.0 / len(question.options) for option in question.options}
        said = [[_said(question, made, uniform) for made in by_burst] for by_burst in readings]
        rows = np.array(said, dtype=np.float64).reshape(len(readings), -1, len(uniform))
        share = np.ones(rows.shape[1])
        for other, option in question.after.items():
            share = share * applies.get((other, option), 1.0)
        for place, option_ in enumerate(question.options):
            applies[question.id, option_.id] = share * rows[0, :, place]
        sure = np.array(
            [any(d.question == question.id and d.sure is not None for d in made) for made in readings[0]], dtype=bool
        )
        found.append(View(chances=rows, applies=np.where(sure, 0.0, share)))
    return tuple(found)


def _said(question: Question, made: Sequence[Decision], uniform: Mapping[OptionId, float]) -> list[float]:
    said = next((d.probabilities for d in made if d.question == question.id), uniform)
    return [said.get(option, 0.0) for option in uniform]

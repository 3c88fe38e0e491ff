"""Stale labels: a question has other words by now, and bursts that were labelled under the old ones are asked anew.

The labels stay as they are, in the store and in exports; only training reads the present words. The oldest come first,
and no more in a day than their share of the budget.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from models.consent import Mode
from models.ids import BurstId, RoomId
from models.labels import IMPORTED, Purpose, Request, RequestState, request_id
from models.question import Question, versions
from models.settings import AskSettings
from models.store import bursts, decisions, requests, standing
from models.store.database import transaction


def renew(
    db: Any, questions: Sequence[Question], ask: AskSettings, modes: Callable[[RoomId, str], Mode], at: datetime
) -> int:
    """Insert requests about bursts with stale labels, as far as the day's share allows; returns how many.

    A burst that was asked about in the present words already is left out, whatever came of it, and so is one whose
    room lets nobody read any more, and one that was imported: its people are not here. Raises StoreError.
    """
    today = at.replace(hour=0, minute=0, second=0, microsecond=0)
    made = 0
    with transaction(db):
        left = min(
            int(ask.daily_budget * ask.renew_share) - standing.renewed_since(db, today),
            ask.daily_budget - requests.asked_since(db, today),
        )
        if left <= 0:
            return 0
        for stale in standing.stale(db, versions(questions)):
            if made == left:
                break
            made += _renew(db, stale.burst, questions, modes, at)
    return made


def _renew(
    db: Any, burst: BurstId, questions: Sequence[Question], modes: Callable[[RoomId, str], Mode], at: datetime
) -> bool:
    if requests.get(db, request_id(burst, questions)) is not None:
        return False
    found = bursts.get(db, burst)
    if found is None or found.platform == IMPORTED:
        return False
    if not modes(found.room, found.platform).allows(Mode.LABEL):
        return False
    requests.insert_request(db, _again(db, burst, requests.about(db, burst), questions, at))
    return True


def _again(db: Any, burst: BurstId, known: Sequence[Request], questions: Sequence[Question], at: datetime) -> Request:
    """The first request in the present words; how the burst was drawn is kept."""
    name = request_id(burst, questions, Purpose.RENEW)
    firsts = [request for request in known if request.purpose.first]
    if firsts:
        return replace(
            firsts[-1],
            id=name,
            purpose=Purpose.RENEW,
            state=RequestState.PENDING,
            created_at=at,
            attempts=0,
            next_attempt_at=None,
        )
    routing = decisions.routing_of(db, burst)
    return Request(
        id=name,
        burst=burst,
        strategy=Purpose.RENEW,
        probability=1.0 if routing is None else routing.probability,
        blind=routing is not None and routing.audit,
        state=RequestState.PENDING,
        created_at=at,
        purpose=Purpose.RENEW,
    )

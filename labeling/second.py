"""Second records: asking again about a burst that was answered, for a further answer, a deciding one, or a review."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from models.ids import BurstId, RequestId
from models.labels import Purpose, Request, RequestState, request_id
from models.question import Question
from models.store import bursts, decisions, requests
from models.store.database import transaction

OPEN = (RequestState.PENDING, RequestState.SENT, RequestState.AMENDED)
"""States of a request that waits for an answer, or to be sent."""


def in_these_words(known: Iterable[Request], questions: Sequence[Question]) -> list[Request]:
    """Keep the requests that were made for the present wordings: their ids follow from these."""
    return [r for r in known if r.id == request_id(r.burst, questions, r.purpose, r.round)]


def second(first: Request, questions: Sequence[Question], purpose: Purpose, number: int, at: datetime) -> Request:
    """Make a second record of a request. It keeps how the burst was drawn, and goes out without the machine's view."""
    return replace(
        first,
        id=request_id(first.burst, questions, purpose, number),
        purpose=purpose,
        round=number,
        state=RequestState.PENDING,
        created_at=at,
        attempts=0,
        next_attempt_at=None,
    )


def add_second(
    db: Any, known: Sequence[Request], purpose: Purpose, questions: Sequence[Question], at: datetime
) -> RequestId | None:
    """Insert the next second record of a purpose unless one waits already; returns its id, or None.

    ``known`` are the burst's requests in the present words, the first one first.
    """
    earlier = [request for request in known if request.purpose is purpose]
    if any(request.state in OPEN for request in earlier):
        return None
    made = second(known[0], questions, purpose, 1 + max((r.round for r in earlier), default=-1), at)
    requests.insert_request(db, made)
    return made.id


def ask_to_review(
    db: Any, chosen: Sequence[BurstId], questions: Sequence[Question], at: datetime
) -> dict[BurstId, RequestId]:
    """Have people look again at labelled bursts; returns the requests made, all in one transaction. Raises StoreError.

    A burst that already waits for another look is left as it is, and so is one that has no text any more: calling
    twice asks once. A burst that was reviewed before gets a further round. Who answered before does not see the record
    where somebody else is there to answer it. How answers count together is told in ``labeling.settling``.
    """
    made: dict[BurstId, RequestId] = {}
    with transaction(db):
        for burst in dict.fromkeys(chosen):
            found = bursts.get(db, burst)
            if found is None or not found.text.strip():
                continue
            known = in_these_words(requests.about(db, burst), questions) or [_unasked(db, burst, questions, at)]
            if (request := add_second(db, known, Purpose.REVIEW, questions, at)) is not None:
                made[burst] = request
    return made


def _unasked(db: Any, burst: BurstId, questions: Sequence[Question], at: datetime) -> Request:
    """Stands for the first request about a burst whose label came otherwise; it is not written down."""
    routing = decisions.routing_of(db, burst)
    return Request(
        id=request_id(burst, questions),
        burst=burst,
        strategy=Purpose.REVIEW,
        probability=1.0,
        blind=routing is not None and routing.audit,
        state=RequestState.ANSWERED,
        created_at=at,
    )

"""From rows to the store: bursts, answers and labels that were made elsewhere, all of them or none."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from labeling.agreement import labels_of
from labeling.exchange.gather import AT
from labeling.exchange.row import Given, Row
from models.chat import Burst, WindowMessage
from models.consent import Mode
from models.decision import Route, Routing
from models.errors import InputError
from models.ids import BurstId, EventId, MemberId, QuestionId, RequestId, RoomId
from models.labels import IMPORTED, Label, Purpose, Request, RequestState, request_id
from models.privacy import mask
from models.question import Question, versions
from models.store import bursts, decisions, labels, requests, responses
from models.store.database import transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """How many bursts and labels came in, and how many bursts were known from an earlier import of that source."""

    bursts: int
    labels: int
    known: int


def check(row: Row, questions: Sequence[Question]) -> None:
    """Raise InputError where a row answers what a question, in its present words, does not offer, or answers twice."""
    asked = {(question.id, question.version): question for question in questions}
    claims = [(label.question, label.question_version, label.option) for label in row.labels or ()]
    for given in row.given:
        known = given.response.versions or {}
        claims += [(question, known.get(question, ""), option) for question, option in given.response.answers.items()]
    for name, version, option in claims:
        question = asked.get((name, version))
        if question is not None and option is not None and not question.has(option):
            raise InputError(f"{name} does not offer {option!r}; it offers {', '.join(o.id for o in question.options)}")
    who = [(given.response.annotator, given.purpose, given.round, _words(given)) for given in row.given]
    if len(set(who)) < len(who):
        raise InputError("somebody answers the same request twice")
    what = [(label.question, label.question_version) for label in row.labels or ()]
    if len(set(what)) < len(what):
        raise InputError("a question has two labels under the same version")
    if not row.text.strip():
        raise InputError("the field 'text' is empty")


def take_in(db: Any, rows: Sequence[Row], questions: Sequence[Question], source: str, at: datetime) -> Imported:
    """Write rows down in one transaction; a burst that the same source brought before is left as it is.

    Text is masked. Labels that a row does not state follow from its answers, and keep ``source``. Raises StoreError.
    """
    new = made = 0
    with transaction(db):
        for row in rows:
            burst = _burst(row, source)
            if not bursts.insert_routed(db, burst):
                continue
            new += 1
            if row.audit or row.probability < 1.0 or not row.trainable:
                decisions.record(db, (), _routing(row, burst), None, at)
            for given in row.given:
                request = _request(given, row, burst.id, questions)
                requests.insert_request(db, request)
                rewrite = None if given.response.rewrite is None else mask(given.response.rewrite)
                responses.put(db, [replace(given.response, request=request.id, rewrite=rewrite)])
            found = _labels(row, burst.id, questions, source, at)
            labels.put(db, found)
            made += sum(label.option is not None for label in found)
    return Imported(bursts=new, labels=made, known=len(rows) - new)


def _burst(row: Row, source: str) -> Burst:
    return Burst(
        id=BurstId(f"{IMPORTED}:{source}:{row.id}"),
        platform=IMPORTED,
        room=RoomId(row.room),
        sender=MemberId(row.sender),
        text=mask(row.text),
        window=tuple(
            WindowMessage(
                sender=m.sender, text=mask(m.text), id=None if m.timestamp is None else EventId(f"{AT}{m.timestamp}")
            )
            for m in row.window
        ),
        started_at=row.started_at,
        ended_at=row.ended_at,
    )


def _routing(row: Row, burst: Burst) -> Routing:
    """What a dataset needs to know of how a burst was drawn."""
    mode = Mode.TRAIN if row.trainable else Mode.LABEL
    return Routing(
        burst=burst.id, route=Route.PASS, reason=IMPORTED, audit=row.audit, probability=row.probability, mode=mode
    )


def _words(given: Given) -> tuple[tuple[QuestionId, str], ...]:
    return tuple(sorted((given.response.versions or {}).items()))


def _request(given: Given, row: Row, burst: BurstId, questions: Sequence[Question]) -> Request:
    """The request that a response would have answered here; one in other words has an id of its own."""
    name = request_id(burst, questions, given.purpose, given.round)
    if given.response.versions != versions(questions):
        purpose = Purpose.ASK if given.purpose.first else given.purpose
        key = f"{burst}\x1f{_words(given)}\x1f{purpose}\x1f{given.round}"
        name = RequestId(hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()[:24])
    return Request(
        id=name,
        burst=burst,
        strategy=IMPORTED,
        probability=row.probability,
        blind=row.audit,
        state=RequestState.ANSWERED,
        created_at=given.response.submitted_at,
        purpose=given.purpose,
        round=given.round,
    )


def _labels(row: Row, burst: BurstId, questions: Sequence[Question], source: str, at: datetime) -> list[Label]:
    if row.labels is not None:
        return [replace(label, burst=burst, source=label.source or source) for label in row.labels]
    given = [one.response for one in row.given]
    if len(given) == 1:  # nobody to agree with: what they answered stands, also to a question that follows from another
        (said,) = given
        return [
            Label(
                burst=burst,
                question=question.id,
                question_version=question.version,
                option=said.answers[question.id],
                responses=1,
                labelled_at=at,
                audit=row.audit,
                annotators=(said.annotator,),
                source=source,
            )
            for question in questions
            if question.id in said.answers
        ]
    made = labels_of(burst, questions, given, overlap=1, audit=row.audit, at=at)
    return [replace(label, source=source) for label in made]

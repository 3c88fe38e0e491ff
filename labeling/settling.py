"""What all that people said about one burst comes to: its labels, and the second records that they call for.

The rule, for all purposes of a request: everybody has one voice, their last word on any record about the burst, so who
looks again and answers otherwise has changed their mind, and somebody else's second look is one more voice. The
majority of voices settles a question. Where they tie, the burst goes to adjudication, and the last answer given there
decides what they do not settle; what they do settle it leaves alone. Last words that discard are no voice.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from labeling.agreement import labels_of
from labeling.second import OPEN, add_second, in_these_words
from models.ids import BurstId, RequestId
from models.labels import Label, Purpose, Request, RequestState, Response, ResponseStatus
from models.question import Question, versions
from models.store import labels, requests, responses


def voices(given: Sequence[Response], purposes: Mapping[RequestId, Purpose]) -> list[Response]:
    """Everybody's last word, in order of submission, on any record but an adjudication; discards are left out.

    It is the last on each set of question versions: what was said in other words may still count for the questions
    whose words are the same.
    """
    last: dict[tuple[str, object], Response] = {}
    for response in given:
        if purposes.get(response.request) is not Purpose.ADJUDICATE:
            key = response.annotator, None if response.versions is None else tuple(sorted(response.versions.items()))
            last.pop(key, None)
            last[key] = response
    return [response for response in last.values() if response.status is ResponseStatus.SUBMITTED]


def deciding(given: Sequence[Response], known: Sequence[Request]) -> Response | None:
    """The last answer to an adjudication, or None."""
    asked = {request.id for request in known if request.purpose is Purpose.ADJUDICATE}
    found = [r for r in given if r.request in asked and r.status is ResponseStatus.SUBMITTED]
    return found[-1] if found else None


def settle(db: Any, burst: BurstId, questions: Sequence[Question], at: datetime) -> list[Label]:
    """Settle a burst in an open transaction: write its labels, its requests' states, and what is to be asked further.

    Returns the labels written. One that the voices no longer bear out is overwritten by one without an option.
    """
    mine = {request.id for request in in_these_words(requests.about(db, burst), questions)}
    given = [r for r in responses.about(db, burst) if r.versions is not None or r.request in mine]
    submitted = {response.request for response in given if response.status is ResponseStatus.SUBMITTED}
    out = [request.id for request in requests.about(db, burst) if request.state is RequestState.SENT]
    requests.set_state(db, [request for request in out if request in submitted], RequestState.ANSWERED)
    known = in_these_words(requests.about(db, burst), questions)
    purposes = {request.id: request.purpose for request in requests.about(db, burst)}
    first, said, decides = known[0], voices(given, purposes), deciding(given, known)
    made = labels_of(burst, questions, said, deciding=decides, overlap=first.overlap, audit=first.blind, at=at)
    settled = {label.question for label in made}
    made += [
        Label(
            burst=burst,
            question=question.id,
            question_version=question.version,
            option=None,
            responses=0,
            labelled_at=at,
            audit=first.blind,
        )
        for question in questions
        if question.id not in settled and labels.is_labelled(db, burst, question)
    ]
    labels.put(db, made)
    people = {r.annotator for r in said if r.versions is None or r.versions == versions(questions)}
    tied = any(label.option is None and label.responses for label in made)
    _ask_further(db, known, questions, at, tied=tied, more=0 < len(people) < first.overlap)
    return made


def _ask_further(
    db: Any, known: Sequence[Request], questions: Sequence[Question], at: datetime, *, tied: bool, more: bool
) -> None:
    """Have a tie adjudicated, and a further person asked while too few have answered; take back what is not needed."""
    for purpose, needed in ((Purpose.ADJUDICATE, tied), (Purpose.OVERLAP, more)):
        there = [request for request in known if request.purpose is purpose]
        if not needed:
            open_ones = [request.id for request in there if request.state in OPEN]
            requests.set_state(db, open_ones, RequestState.WITHDRAWN)
        elif purpose is Purpose.OVERLAP or all(request.state is RequestState.WITHDRAWN for request in there):
            add_second(db, known, purpose, questions, at)

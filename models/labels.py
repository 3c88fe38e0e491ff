"""Requests for labels, the responses people give, and the labels these agree on."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from models.ids import BurstId, OptionId, QuestionId, RequestId
from models.question import Question, joint_version


class Purpose(StrEnum):
    """Why people are asked about a burst.

    ``ask`` is the first time; ``renew`` the first time in other words, about a burst whose labels were made under
    earlier ones. The others are second records about a burst that was answered: ``overlap`` for a further person's
    answer, ``adjudicate`` because answers tie, ``review`` because the label is looked at again.
    """

    ASK = "ask"
    RENEW = "renew"
    OVERLAP = "overlap"
    ADJUDICATE = "adjudicate"
    REVIEW = "review"

    @property
    def first(self) -> bool:
        """Whether a burst has one such request at most in one set of wordings."""
        return self in (Purpose.ASK, Purpose.RENEW)


class RequestState(StrEnum):
    """Where a request stands: written down, sent to Argilla, answered, or taken back.

    An amended one was sent about a text that was edited since: its record and the answers there have to go before it
    is pending again.
    """

    PENDING = "pending"
    SENT = "sent"
    ANSWERED = "answered"
    WITHDRAWN = "withdrawn"
    AMENDED = "amended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A burst that people are asked about.

    ``blind`` tells that the burst was drawn for the audit: it goes out without the machine's view, and so does every
    second record. ``overlap`` is how many people are to answer before anything is settled, 1 or more. ``round`` tells
    second records of one purpose apart.
    """

    id: RequestId
    burst: BurstId
    strategy: str
    probability: float
    blind: bool
    state: RequestState
    created_at: datetime
    attempts: int = 0
    next_attempt_at: datetime | None = None
    purpose: Purpose = Purpose.ASK
    round: int = 0
    overlap: int = 1

    @property
    def unswayed(self) -> bool:
        """Whether annotators must not see what the machine holds likely."""
        return self.blind or not self.purpose.first


IMPORTED = "import"
"""Strategy of requests that were answered elsewhere, and platform of the bursts that came with their answers."""


def request_id(
    burst: BurstId, questions: Sequence[Question], purpose: Purpose = Purpose.ASK, number: int = 0
) -> RequestId:
    """Derive a request's id from burst, question versions, purpose and round: asking again is the same request.

    A burst that is asked about in other words has one first request in them, whether its labels were stale or not.
    """
    key = f"{burst}\x1f{joint_version(questions)}"
    if not purpose.first:
        key += f"\x1f{purpose}\x1f{number}"
    return RequestId(hashlib.sha256(key.encode()).hexdigest()[:24])


class ResponseStatus(StrEnum):
    """What an annotator did with a request."""

    SUBMITTED = "submitted"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """One annotator's answers to one request: option by question, and a rewrite where one was given.

    ``versions`` are the question versions that were answered, and ``guideline`` that of the guidelines beside them;
    None where a response was written down before these were kept.
    """

    request: RequestId
    annotator: str
    answers: Mapping[QuestionId, OptionId]
    status: ResponseStatus
    submitted_at: datetime
    rewrite: str | None = None
    versions: Mapping[QuestionId, str] | None = None
    guideline: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What the responses to one question about one burst agreed on; ``option`` is None where they did not.

    ``annotators`` are those whose answers it rests on, ``guideline`` the version of what they read beside the form, and
    ``source`` the file that it was imported from, if it was.
    """

    burst: BurstId
    question: QuestionId
    question_version: str
    option: OptionId | None
    responses: int
    labelled_at: datetime
    audit: bool = False
    annotators: tuple[str, ...] = ()
    guideline: str | None = None
    source: str | None = None

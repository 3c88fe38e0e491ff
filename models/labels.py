"""Requests for labels, the responses people give, and the labels these agree on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from models.ids import BurstId, OptionId, QuestionId, RequestId


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
    """A burst that people are asked about. ``blind`` requests (audit) go out without the machine's view."""

    id: RequestId
    burst: BurstId
    strategy: str
    probability: float
    blind: bool
    state: RequestState
    created_at: datetime
    attempts: int = 0
    next_attempt_at: datetime | None = None


class ResponseStatus(StrEnum):
    """What an annotator did with a request."""

    SUBMITTED = "submitted"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """One annotator's answers to one request: option by question, and a rewrite where one was given."""

    request: RequestId
    annotator: str
    answers: Mapping[QuestionId, OptionId]
    status: ResponseStatus
    submitted_at: datetime
    rewrite: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What the responses to one question about one burst agreed on; ``option`` is None where they did not."""

    burst: BurstId
    question: QuestionId
    question_version: str
    option: OptionId | None
    responses: int
    labelled_at: datetime
    audit: bool = False

"""From Argilla to the store: responses, and the labels that they agree on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Protocol

from labeling.answers import Pulled
from labeling.guidelines import guideline_version
from labeling.second import in_these_words
from labeling.settling import settle
from models.agreement import applicable
from models.ids import RequestId
from models.labels import Label, RequestState, Response
from models.privacy import mask
from models.question import Question, versions
from models.store import requests, responses
from models.store.database import transaction
from models.store.thread import Store

_OUT = (RequestState.SENT, RequestState.ANSWERED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What one pull brought: requests with new or changed responses, and labels made or made anew."""

    changed: tuple[RequestId, ...]
    labels: tuple[Label, ...]
    early: bool = False
    """Whether responses to requests that were not sent yet, as far as the store knows, were left for the next pull."""


class Source(Protocol):
    """Where responses come from: ``labeling.desk.Desk``."""

    async def pull(self, activity: str | None = None) -> Pulled:
        """Read the responses, unless nothing happened since ``activity``; raises LabelingError."""


class Inlet:
    """Pulls responses into the store whenever ``pull`` is called."""

    def __init__(
        self,
        store: Store,
        source: Source,
        questions: Sequence[Question],
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._source = source
        self._questions = tuple(questions)
        self._clock = clock
        self._activity: str | None = None

    async def pull(self) -> Taken:
        """Fetch responses and settle what they agree on; raises LabelingError if Argilla does not answer."""
        pulled = await self._source.pull(self._activity)
        taken = await self._store.do(absorb, pulled.responses, self._questions, self._clock())
        if not taken.early:
            self._activity = pulled.activity  # only now: what was not stored has to be fetched again
        return taken


def absorb(db: Any, given: Sequence[Response], questions: Sequence[Question], at: datetime) -> Taken:
    """Write responses and the labels that follow from them into the open database, all of it or nothing.

    Responses to requests that are not out there (unknown, withdrawn, amended) are left out, and so are answers that
    their own forerunners rule out. A label that changed responses no longer bear out is overwritten by one without an
    option.
    """
    with transaction(db):
        known = {response.request: requests.get(db, response.request) for response in given}
        wanted = {r.id: r for r in in_these_words(filter(None, known.values()), questions) if r.state in _OUT}
        early = any(r is not None and r.state is RequestState.PENDING for r in known.values())
        kept = [_sensible(response, questions) for response in given if response.request in wanted]
        changed = responses.put(db, kept)
        touched = dict.fromkeys(wanted[i].burst for i in changed)
        made = [label for burst in touched for label in settle(db, burst, questions, at)]
    return Taken(changed=tuple(changed), labels=tuple(made), early=early)


def _sensible(response: Response, questions: Sequence[Question]) -> Response:
    return replace(
        response,
        answers=applicable(response.answers, questions),
        rewrite=None if response.rewrite is None else mask(response.rewrite),
        versions=versions(questions),
        guideline=guideline_version(questions),
    )

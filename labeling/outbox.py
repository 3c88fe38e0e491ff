"""From the store to Argilla: requests that are due are sent, and sent again until they arrive.

A request is durable before it gets here, its record in Argilla has the request's id, and it is marked as sent only
after Argilla has it. So nothing is lost and nothing is asked twice, whenever we are killed.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog

from labeling.errors import RefusedError
from labeling.form import Form, fill
from labeling.names import day_names
from labeling.privacy import room_alias
from models.chat import Burst
from models.errors import LabelingError
from models.ids import RequestId
from models.labels import Request, RequestState, ResponseStatus
from models.question import Question
from models.store import bursts, decisions, erasures, requests
from models.store.thread import Store

BATCH = 50
BACKOFF_BASE_S = 2.0
BACKOFF_MAX_S = 600.0
_DOUBLINGS_MAX = 9

log = structlog.get_logger(__name__)


class Queue(Protocol):
    """Where forms go: ``labeling.desk.Desk``."""

    async def push(self, forms: Sequence[Form]) -> None:
        """Create or overwrite records; raises LabelingError."""

    async def withdraw(self, requests: Sequence[RequestId]) -> int:
        """Delete records; raises LabelingError."""


def backoff_s(attempts: int, rng: random.Random) -> float:
    """Seconds to wait after so many failed attempts: doubling to 10 minutes, half of it drawn at random."""
    whole = min(BACKOFF_MAX_S, BACKOFF_BASE_S * 2.0 ** min(attempts, _DOUBLINGS_MAX))
    return whole * rng.uniform(0.5, 1.0)


class Outbox:
    """Sends what is due whenever ``flush`` is called, a batch at a time.

    ``alias_key`` makes the names that rooms have in Argilla; ``suggest`` shows annotators the machine's view (never on
    blind requests). A request that is AMENDED, for its burst was edited, loses its record and gets a new one.
    """

    def __init__(
        self,
        store: Store,
        queue: Queue,
        questions: Sequence[Question],
        *,
        alias_key: bytes,
        suggest: bool = True,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        rng: random.Random | None = None,
    ) -> None:
        self._store = store
        self._queue = queue
        self._questions = tuple(questions)
        self._alias_key = alias_key
        self._suggest = suggest
        self._clock = clock
        self._rng = rng or random.Random()  # noqa: S311 - spreads retries, protects nothing
        self._swept: set[RequestId] = set()

    async def flush(self) -> int:
        """Withdraw what was withdrawn, then send all that is due; returns how many requests went out.

        Never raises LabelingError: what Argilla does not take is logged and tried again later.
        """
        await self.take_back()
        sent = await self._send_due()
        await self._sweep()  # what was withdrawn while it was sent
        return sent

    async def _send_due(self) -> int:
        sent = 0
        while due := await self._store.do(requests.due, self._clock(), BATCH):
            forms = {request.id: form for request in due if (form := await self._form(request)) is not None}
            await self._mark([request for request in due if request.id not in forms], RequestState.WITHDRAWN)
            try:
                sent += await self._send([request for request in due if request.id in forms], forms)
            except LabelingError as error:
                log.warning("requests not sent yet", requests=len(forms), error=str(error))
                break
        return sent

    async def withdraw(self, ids: Sequence[RequestId]) -> None:
        """Take requests back for good: durable at once, and deleted in Argilla now or as soon as it answers."""
        await self._store.do(requests.set_state, list(ids), RequestState.WITHDRAWN)
        await self._sweep()

    async def take_back(self) -> None:
        """Delete in Argilla what was withdrawn or amended, and send nothing."""
        await self._sweep()
        await self._renew()

    async def _sweep(self) -> None:
        withdrawn = {request.id for request in await self._store.do(requests.in_state, RequestState.WITHDRAWN)}
        erased = await self._store.do(erasures.unsettled_requests)
        ids = sorted(withdrawn - self._swept | withdrawn.intersection(erased))
        if not ids:
            return
        try:
            await self._queue.withdraw(ids)
        except LabelingError as error:
            log.warning("requests not withdrawn yet", requests=len(ids), error=str(error))
        else:
            self._swept.update(ids)
            await self._store.do(erasures.settle_requests, ids)

    async def _renew(self) -> None:
        """Delete the records whose bursts were edited, with their answers to the old text, and have them sent anew."""
        ids = [request.id for request in await self._store.do(requests.in_state, RequestState.AMENDED)]
        if not ids:
            return
        try:
            await self._queue.withdraw(ids)
        except LabelingError as error:
            log.warning("requests not renewed yet", requests=len(ids), error=str(error))
            return
        self._swept.difference_update(ids)  # they may be withdrawn once more
        await self._store.do(erasures.settle_requests, ids)
        await self._store.do(requests.renew, ids)

    async def _form(self, request: Request) -> Form | None:
        """Fill in the form, or None where the burst's text was purged or deleted since."""
        burst = await self._store.do(bursts.get, request.burst)
        if burst is None or not burst.text.strip():
            return None
        made = await self._store.do(decisions.decisions_of, request.burst)
        room = room_alias(burst.room, self._alias_key)
        given = () if request.purpose.first else await self._store.do(requests.responses_about, request.burst)
        people = sorted({response.annotator for response in given if response.status is ResponseStatus.SUBMITTED})
        names = await self._names(burst)
        return fill(
            request, burst, made, self._questions, room=room, names=names, suggest=self._suggest, answered_by=people
        )

    async def _names(self, burst: Burst) -> dict[str, str]:
        spoke = await self._store.do(bursts.senders, burst.room, burst.started_at)
        shown = (*spoke, *(message.sender for message in burst.window), burst.sender)
        return day_names(shown, room=burst.room, day=burst.started_at.date(), key=self._alias_key)

    async def _send(self, due: Sequence[Request], forms: Mapping[RequestId, Form]) -> int:
        """Send one batch and note how it went; returns how many requests arrived, raises LabelingError if none could.

        A refused batch is sent again in halves, so that a record that Argilla does not take holds up no other.
        """
        if not due:
            return 0
        try:
            await self._queue.push([forms[request.id] for request in due])
        except RefusedError as error:
            if len(due) > 1:
                half = len(due) // 2
                return await self._send(due[:half], forms) + await self._send(due[half:], forms)
            log.warning("request refused", request=due[0].id, error=str(error))
            await self._postpone(due)
            return 0
        except LabelingError:
            await self._postpone(due)
            raise
        late = await self._store.do(requests.mark_sent, [request.id for request in due])
        self._swept.difference_update(late)  # they stand there again, with what they were not to show
        return len(due) - len(late)

    async def _mark(self, settled: Sequence[Request], state: RequestState) -> None:
        if settled:
            await self._store.do(requests.set_state, [request.id for request in settled], state)

    async def _postpone(self, failed: Sequence[Request]) -> None:
        for request in failed:
            until = self._clock() + timedelta(seconds=backoff_s(request.attempts, self._rng))
            await self._store.do(requests.postpone, [request.id], until)

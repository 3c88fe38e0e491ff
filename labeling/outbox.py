"""From the store to Argilla: requests that are due are sent, and sent again until they arrive.

A request is durable before it gets here, its record in Argilla has the request's id, and it is marked as sent only
after Argilla has it. So nothing is lost and nothing is asked twice, whenever we are killed.

However much waits, one ``flush`` sends and takes back a bounded number: after an outage Argilla is filled again at that
number a flush, 800 a minute where ``top_up_s`` is 15.
"""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog

from labeling.answers import Late
from labeling.errors import RefusedError, UnreachableError
from labeling.form import Form, fill
from labeling.late import keep_late
from labeling.names import day_names
from models.chat import Burst
from models.consent import Mode, Modes
from models.errors import LabelingError
from models.ids import RequestId
from models.labels import Request, RequestState, ResponseStatus
from models.privacy import room_alias
from models.question import Question
from models.store import bursts, decisions, erasures, requests, responses
from models.store.thread import Store

BATCH = 50
BATCHES_MAX = 4
"""Batches sent by one flush."""
WITHDRAW_BATCH = 100
WITHDRAW_BATCHES_MAX = 5
"""Batches taken back by one flush."""
REFUSALS_MAX = 5
"""After so many refusals, the last while Argilla took other requests, one is given up."""
_SPLITS_MAX = 30
"""Calls spent on finding out which requests of a refused batch are at fault; the others wait for the next attempt."""
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

    async def answers(self, requests: Sequence[RequestId]) -> Sequence[Late]:
        """Read the responses to requests, in whatever words they were asked; raises LabelingError."""


def backoff_s(attempts: int, rng: random.Random) -> float:
    """Seconds to wait after so many failed attempts: doubling to 10 minutes, half of it drawn at random."""
    whole = min(BACKOFF_MAX_S, BACKOFF_BASE_S * 2.0 ** min(attempts, _DOUBLINGS_MAX))
    return whole * rng.uniform(0.5, 1.0)


class Outbox:
    """Sends what is due whenever ``flush`` is called, a batch at a time.

    ``alias_key`` makes the names that rooms have in Argilla; ``suggest`` shows annotators the machine's view (never on
    blind requests). A request that is AMENDED, for its burst was edited, loses its record and gets a new one.
    ``modes`` is asked about every request before it goes out: what a room does not agree to, now or when the burst was
    routed, is withdrawn instead. Without it, all rooms are taken to agree.
    """

    def __init__(
        self,
        store: Store,
        queue: Queue,
        questions: Sequence[Question],
        *,
        alias_key: bytes,
        suggest: bool = True,
        modes: Modes | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        rng: random.Random | None = None,
    ) -> None:
        self._store = store
        self._queue = queue
        self._questions = tuple(questions)
        self._alias_key = alias_key
        self._suggest = suggest
        self._modes = modes
        self._clock = clock
        self._rng = rng or random.Random()  # noqa: S311 - spreads retries, protects nothing
        self._turn = asyncio.Lock()

    async def flush(self) -> int:
        """Withdraw what was withdrawn, then send what is due, up to a bound; returns how many requests went out.

        Never raises LabelingError: what Argilla does not take is logged and tried again later.
        """
        async with self._turn:
            if not await self._take_back(WITHDRAW_BATCHES_MAX):
                return 0
            sent = await self._send_due()
            with suppress(UnreachableError):
                await self._sweep(1)  # what was withdrawn while it was sent
            return sent

    async def withdraw(self, ids: Sequence[RequestId]) -> None:
        """Take requests back for good: durable at once, and deleted in Argilla now or as soon as it answers."""
        await self._store.do(requests.set_state, list(ids), RequestState.WITHDRAWN)
        async with self._turn:
            with suppress(UnreachableError):
                await self._sweep(1 + len(ids) // WITHDRAW_BATCH)

    async def take_back(self) -> None:
        """Delete in Argilla all that was withdrawn or amended, and send nothing."""
        async with self._turn:
            await self._take_back(None)

    async def _take_back(self, batches: int | None) -> bool:
        """Delete so many batches of either kind (None: all); False where Argilla is away, and nothing else has sense.

        Any other trouble with deleting holds up no sending.
        """
        try:
            await self._sweep(batches)
            await self._renew(batches)
        except UnreachableError:
            return False
        return True

    async def _sweep(self, batches: int | None) -> None:
        while (batches is None or batches > 0) and (ids := await self._store.do(requests.to_clear, WITHDRAW_BATCH)):
            if not await self._delete(ids, "requests not withdrawn yet"):
                return
            await self._store.do(requests.mark_cleared, ids)
            batches = None if batches is None else batches - 1

    async def _renew(self, batches: int | None) -> None:
        """Delete the records whose bursts were edited, with their answers to the old text, and have them sent anew."""
        while (batches is None or batches > 0) and (ids := await self._store.do(requests.to_renew, WITHDRAW_BATCH)):
            if not await self._delete(ids, "requests not renewed yet"):
                return
            await self._store.do(erasures.settle_requests, ids)
            await self._store.do(requests.renew, ids)
            batches = None if batches is None else batches - 1

    async def _delete(self, ids: Sequence[RequestId], trouble: str) -> bool:
        """Delete records; False where it did not work. Raises UnreachableError, which is logged as well.

        What was answered in earlier words since they were last fetched is written down first.
        """
        try:
            if awaited := await self._store.do(requests.awaited, ids):
                late = await self._queue.answers(awaited)
                if made := await self._store.do(keep_late, late, self._clock()):
                    log.info("answers in earlier words kept", labels=len(made))
            await self._queue.withdraw(ids)
        except LabelingError as error:
            log.warning(trouble, requests=len(ids), error=str(error))
            if isinstance(error, UnreachableError):
                raise
            return False
        return True

    async def _send_due(self) -> int:
        sent, refused = 0, list[Request]()
        for _ in range(BATCHES_MAX):
            due = await self._store.do(requests.due, self._clock(), BATCH)
            if not due:
                break
            forms = {request.id: form for request in due if (form := await self._form(request)) is not None}
            await self._mark([request for request in due if request.id not in forms], RequestState.WITHDRAWN)
            batch = [request for request in due if request.id in forms]
            try:
                arrived, faulty = await self._send(batch, forms)
            except LabelingError as error:
                log.warning("requests not sent yet", requests=len(forms), error=str(error))
                break
            sent += arrived
            refused += faulty
            if faulty and not arrived:
                break  # it is not the requests
        if sent and refused:
            await self._give_up(refused)
        return sent

    async def _form(self, request: Request) -> Form | None:
        """Fill in the form, or None where the burst's text was purged or deleted since, or its room does not agree."""
        burst = await self._store.do(bursts.get, request.burst)
        if burst is None or not burst.text.strip() or not await self._may_be_read(burst):
            return None
        made = await self._store.do(decisions.decisions_of, request.burst)
        room = room_alias(burst.room, self._alias_key)
        given = () if request.purpose.first else await self._store.do(responses.about, request.burst)
        people = sorted({response.annotator for response in given if response.status is ResponseStatus.SUBMITTED})
        names = await self._names(burst)
        return fill(
            request, burst, made, self._questions, room=room, names=names, suggest=self._suggest, answered_by=people
        )

    async def _names(self, burst: Burst) -> dict[str, str]:
        spoke = await self._store.do(bursts.senders, burst.room, burst.started_at)
        shown = (*spoke, *(message.sender for message in burst.window), burst.sender)
        return day_names(shown, room=burst.room, day=burst.started_at.date(), key=self._alias_key)

    async def _may_be_read(self, burst: Burst) -> bool:
        if self._modes is None:
            return True
        routing = await self._store.do(decisions.routing_of, burst.id)
        then = None if routing is None else routing.mode
        now = self._modes.of(burst.room, burst.platform).mode
        return now.allows(Mode.LABEL) and (then is None or then.allows(Mode.LABEL))

    async def _send(self, due: Sequence[Request], forms: Mapping[RequestId, Form]) -> tuple[int, list[Request]]:
        """Send one batch and note how it went; returns how many requests arrived, and those that Argilla refused.

        A refused batch is sent again in halves, so that a record that Argilla does not take holds up no other. Raises
        LabelingError where Argilla is at fault; what did not arrive by then waits.
        """
        left, sent, refused, calls = [list(due)] if due else [], 0, list[Request](), 0
        while left:
            part = left.pop()
            calls += 1
            try:
                if calls > _SPLITS_MAX:
                    await self._postpone([*part, *(request for rest in left for request in rest)])
                    break
                await self._queue.push([forms[request.id] for request in part])
            except RefusedError as error:
                if len(part) > 1:
                    left += [part[len(part) // 2 :], part[: len(part) // 2]]
                    continue
                log.warning("request refused", request=part[0].id, error=str(error))
                refused += part
                await self._store.do(requests.refuse, [part[0].id])
                await self._postpone(part)
            except LabelingError:
                await self._postpone([*part, *(request for rest in left for request in rest)])
                raise
            else:
                late = await self._store.do(requests.mark_sent, [request.id for request in part])
                sent += len(part) - len(late)
        return sent, refused

    async def _give_up(self, refused: Sequence[Request]) -> None:
        """Give up who was refused too often, the last time while Argilla took others: it is not its own trouble."""
        given_up = await self._store.do(requests.give_up, [request.id for request in refused], REFUSALS_MAX)
        for request in given_up:
            log.error("request given up", request=request, refusals=REFUSALS_MAX)

    async def _mark(self, settled: Sequence[Request], state: RequestState) -> None:
        if settled:
            await self._store.do(requests.set_state, [request.id for request in settled], state)

    async def _postpone(self, failed: Sequence[Request]) -> None:
        for request in failed:
            until = self._clock() + timedelta(seconds=backoff_s(request.attempts, self._rng))
            await self._store.do(requests.postpone, [request.id], until)

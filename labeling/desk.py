"""Argilla for asyncio: one thread that connects when it is first needed, and anew after a failure."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Self, TypeVar

from labeling.accounts import Account, Role
from labeling.answers import Late, Pulled, QueueProgress
from labeling.errors import RefusedError
from labeling.form import Form
from labeling.titles import Tongue
from models.errors import LabelingError
from models.ids import RequestId
from models.question import Question

if TYPE_CHECKING:
    from labeling.argilla import ArgillaQueue

T = TypeVar("T")


class Desk:
    """The queue's verbs as coroutines; each raises LabelingError. Use as ``async with Desk(...)``.

    ``tongue`` is the language of the form's headings.
    """

    def __init__(self, url: str, api_key: str, questions: Sequence[Question], tongue: Tongue = "en") -> None:
        self.url = url
        self._api_key = api_key
        self._questions = tuple(questions)
        self._tongue = tongue
        self._queue: ArgillaQueue | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="argilla")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def push(self, forms: Sequence[Form]) -> None:
        """Create or overwrite records."""
        await self._do(lambda queue: queue.push(forms))

    async def pull(self, activity: str | None = None) -> Pulled:
        """Read the responses, unless nothing happened since ``activity``."""
        return await self._do(lambda queue: queue.pull(activity))

    async def withdraw(self, requests: Sequence[RequestId]) -> int:
        """Delete records; returns how many there were."""
        return await self._do(lambda queue: queue.withdraw(requests))

    async def answers(self, requests: Sequence[RequestId]) -> list[Late]:
        """Read the responses to requests, in whatever words they were asked."""
        return await self._do(lambda queue: queue.answers(requests))

    async def add_annotator(self, name: str, role: Role = Role.ANNOTATOR) -> str | None:
        """Let somebody work on the queue; returns a password to hand over once, or None where they keep theirs."""
        return await self._do(lambda queue: queue.add_annotator(name, role))

    async def annotators(self) -> list[Account]:
        """List who works on the queue."""
        return await self._do(lambda queue: queue.annotators())

    async def remove_annotator(self, name: str) -> None:
        """Take somebody off the queue."""
        await self._do(lambda queue: queue.remove_annotator(name))

    async def progress(self) -> QueueProgress:
        """Count records and responses."""
        return await self._do(lambda queue: queue.progress())

    async def announce(self, news: str) -> bool:
        """Put news on top of the queue's guidelines; tells whether that changed them."""
        return await self._do(lambda queue: queue.announce(news))

    async def close(self) -> None:
        """Finish the call that runs, drop those that wait, and disconnect."""
        await asyncio.to_thread(self._thread.shutdown, cancel_futures=True)
        if self._queue is not None:
            self._queue.close()
            self._queue = None

    async def _do(self, verb: "Callable[[ArgillaQueue], T]") -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._call, verb)

    def _call(self, verb: "Callable[[ArgillaQueue], T]") -> T:
        from labeling.argilla import ArgillaQueue  # noqa: PLC0415 - 2 s of imports, kept off the loop

        if self._queue is None:
            queue = ArgillaQueue.connect(self.url, self._api_key)
            queue.ensure_dataset(self._questions, self._tongue)
            self._queue = queue
        try:
            return verb(self._queue)
        except LabelingError as error:
            if not isinstance(error, RefusedError):
                self._queue.close()
                self._queue = None
            raise

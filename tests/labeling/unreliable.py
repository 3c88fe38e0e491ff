"""A store without a thread or a file, and a queue that fails in all the ways an Argilla far away can."""

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

from labeling.answers import Late
from labeling.errors import RefusedError, UnreachableError
from labeling.form import Form
from models.ids import RequestId
from models.store.database import Database
from models.store.schema import migrations

POISON = "poison"
"""Argilla never takes a record with this text."""


class InlineStore:
    """Runs verbs at once, on a database in memory."""

    def __init__(self) -> None:
        self.db = Database(sqlite3.connect(":memory:", check_same_thread=False))
        migrations.apply(self.db)

    async def do(self, verb: Callable[..., Any], *arguments: Any) -> Any:
        return verb(self.db, *arguments)


class KilledError(BaseException):
    """Stands for kill -9: nothing after it runs."""


class UnreliableQueue:
    """Speaks the Queue protocol. ``faults`` are taken one a call: None works, the others are named below."""

    DOWN, HALF, ANSWER_LOST, KILLED = "down", "half", "answer lost", "killed"

    def __init__(self) -> None:
        self.records: dict[RequestId, Form] = {}
        self.pushes: list[int] = []
        self.calls = 0
        self.faults: list[str | None] = []
        self.down = False
        self.meanwhile: Callable[[], None] | None = None
        """Happens while a push is under way, once."""

    async def push(self, forms: Sequence[Form]) -> None:
        fault = self._fault()
        if any(POISON in form.text for form in forms):
            raise RefusedError("422")
        taken = forms[: len(forms) // 2] if fault == self.HALF else forms
        self.records |= {form.request: form for form in taken}
        self.pushes.append(len(taken))
        if self.meanwhile is not None:
            self.meanwhile()
            self.meanwhile = None
        self._after(fault)

    async def answers(self, requests: Sequence[RequestId]) -> Sequence[Late]:
        self._after(self._fault())
        del requests
        return []

    async def withdraw(self, requests: Sequence[RequestId]) -> int:
        fault = self._fault()
        taken = requests[: len(requests) // 2] if fault == self.HALF else requests
        gone = sum(self.records.pop(request, None) is not None for request in taken)
        self._after(fault)
        return gone

    def _fault(self) -> str | None:
        self.calls += 1
        fault = self.DOWN if self.down else self.faults.pop(0) if self.faults else None
        if fault == self.DOWN:
            raise UnreachableError("nobody answers")
        return fault

    def _after(self, fault: str | None) -> None:
        if fault == self.KILLED:
            raise KilledError
        if fault is not None:
            raise UnreachableError("the connection broke")

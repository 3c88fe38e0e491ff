"""A queue that is down or refuses at will, a clock that is moved by hand, and the message that is asked about."""

from collections.abc import Sequence
from datetime import datetime

from labeling.answers import Late
from labeling.errors import RefusedError
from labeling.form import Form
from models.chat import ChatEvent, EventKind
from models.errors import LabelingError
from models.ids import EventId, MemberId, RequestId, RoomId
from tests.labeling.made import NOON

said = ChatEvent(
    id=EventId("m-b1"),
    platform="t",
    room=RoomId("#ubuntu"),
    thread=None,
    sender=MemberId("alice@example.org"),
    text="how?",
    sent_at=NOON,
    kind=EventKind.MESSAGE,
)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


class FlakyQueue:
    """Stands for Argilla where its failing is the test."""

    def __init__(self) -> None:
        self.records: dict[str, Form] = {}
        self.pushes: list[list[str]] = []
        self.withdrawn: list[str] = []
        self.late: list[Late] = []
        self.down = False
        self.refused: set[str] = set()

    async def push(self, forms: Sequence[Form]) -> None:
        self.pushes.append([form.request for form in forms])
        if self.down:
            raise LabelingError("Argilla cannot be reached")
        if self.refused & {form.request for form in forms}:
            raise RefusedError("Argilla refused")
        self.records |= {form.request: form for form in forms}

    async def answers(self, requests: Sequence[RequestId]) -> Sequence[Late]:
        if self.down:
            raise LabelingError("Argilla cannot be reached")
        return [late for late in self.late if late.response.request in requests]

    async def withdraw(self, requests: Sequence[RequestId]) -> int:
        if self.down:
            raise LabelingError("Argilla cannot be reached")
        self.withdrawn += requests
        return len(requests)

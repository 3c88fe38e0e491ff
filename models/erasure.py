"""What was erased, and the trace of it through everything that was made from it: ids only, never text."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from models.ids import ErasureId, RoomId


class ErasureKind(StrEnum):
    """Who wanted it: a member for all that they said, or whoever took one message back."""

    FORGET = "forget"
    REDACTION = "redaction"


class TraceKind(StrEnum):
    """What held the erased text.

    Event: a message, an edit of it, or the bot's reply to it. Burst: one that the member's messages made up. Window: a
    burst of somebody else with such a message before it. Request: one whose record in Argilla showed such text.
    Dataset: a frozen one that an item was taken out of. Step: a part of the work that is done apart from the database.
    """

    EVENT = "event"
    BURST = "burst"
    WINDOW = "window"
    REQUEST = "request"
    DATASET = "dataset"
    STEP = "step"


class Step(StrEnum):
    """What is left to do once the database has forgotten: in Argilla, in files, and in the database's own file."""

    ARGILLA = "argilla"
    FILES = "files"
    STORE = "store"


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """One erasure; ``done_at`` is None while a step is left. ``room`` None: in all rooms.

    ``member_hash`` is the SHA-256 of the erasure's id, a newline and the member's id: who knows the member can check
    that this erasure is theirs, and nobody can read the member from it.
    """

    id: ErasureId
    kind: ErasureKind
    member_hash: str | None
    room: RoomId | None
    at: datetime
    done_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One thing that held erased text: its id, whether it is rid of it, and figures about it (JSON)."""

    kind: TraceKind
    name: str
    done: bool
    detail: str | None = None

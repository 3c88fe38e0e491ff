"""What Argilla gives back."""

from collections.abc import Mapping
from dataclasses import dataclass

from models.labels import Response


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """Responses, and the dataset's last activity when they were read: give it to the next pull."""

    responses: tuple[Response, ...]
    activity: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """A response in the queue of any words; ``queue`` is the joint version of its questions."""

    queue: str
    response: Response


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueProgress:
    """Records of the queue, those with enough submitted responses, and submitted responses by annotator."""

    total: int
    completed: int
    submitted: Mapping[str, int]

"""A labelled burst outside of the store: masked, under names that tell nobody who it was."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from models.errors import ExportError, InputError
from models.ids import OptionId, QuestionId
from models.labels import Label, Purpose, Response
from models.question import Question
from models.replacement import replacing


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One message of a window; ``timestamp`` is in seconds since 1970, None where it is not known."""

    sender: str
    text: str
    timestamp: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A response with why it was asked for: the purpose and round of its request."""

    response: Response
    purpose: Purpose = Purpose.ASK
    round: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A burst with all that was answered about it.

    ``id`` is unique in its file. ``probability`` (0..1) is that of having been asked about, ``audit`` that it was drawn
    for the audit, ``trainable`` whether its room lets models learn from it. ``labels`` is None where they follow from
    the responses. Read from a file, responses name no request and labels no burst: the row is what they are about.
    """

    id: str
    room: str
    sender: str
    text: str
    window: tuple[Said, ...]
    started_at: datetime
    ended_at: datetime
    given: tuple[Given, ...]
    labels: tuple[Label, ...] | None
    audit: bool = False
    probability: float = 1.0
    trainable: bool = True

    def answers(self, questions: Sequence[Question]) -> dict[QuestionId, OptionId]:
        """The settled labels at the questions' present versions."""
        versions = {question.id: question.version for question in questions}
        return {
            label.question: label.option
            for label in self.labels or ()
            if label.option is not None and versions.get(label.question) == label.question_version
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """Lines to write, and how many bursts a form left out, by reason."""

    lines: tuple[str, ...]
    left_out: Mapping[str, int]


def line_of(body: Mapping[str, Any]) -> str:
    """One line of JSON, its keys in the order given."""
    return json.dumps(body, ensure_ascii=False)


def field(row: Mapping[str, Any], name: str, *kinds: type) -> Any:
    """A field of a row, of one of some kinds; raises InputError naming the field. ``bool`` is no ``int`` here."""
    if name not in row:
        raise InputError(f"the field {name!r} is missing")
    value = row[name]
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        wanted = " or ".join("null" if kind is type(None) else kind.__name__ for kind in kinds)
        raise InputError(f"the field {name!r} should be {wanted}, and is {type(value).__name__}")
    return value


def only(row: Mapping[str, Any], *names: str) -> None:
    """Raise InputError where a row has a field that would be lost."""
    for name in row:
        if name not in names:
            raise InputError(f"the field {name!r} is not part of this form ({', '.join(names)})")


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write a file aside and rename it; only its owner may read it. Raises ExportError, and leaves what was there."""
    try:
        with replacing(path) as aside:
            descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
                file.writelines(f"{line}\n" for line in lines)
    except OSError as error:
        raise ExportError(f"cannot write {path}: {error.strerror}; what was there is unchanged") from error

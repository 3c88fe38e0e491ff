"""Reading labelled rows: JSON lines in the project's own form, the public single-choice sets' and the paper's."""

import codecs
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from models.chat import Burst, WindowMessage
from models.errors import InputError
from models.ids import BurstId, MemberId, OptionId, QuestionId, RoomId
from models.item import Item
from models.question import Question

ALIASES: Mapping[str, tuple[str, ...]] = {"is_question": ("label",), "needs_context": ("cr_need", "cr_need_gt")}
"""Other names under which labelled sets keep the answers to the shipped questions (true, false)."""

_UNKNOWN_TIME = datetime(1970, 1, 1, tzinfo=UTC)
_TOPIC = "topic"
_LINE = "line "


def read_json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield line number and object of a JSON-lines file; raises InputError naming file, line and fault.

    A byte order mark at the beginning is passed over: some editors write one.
    """
    try:
        with path.open("rb") as file:
            for number, raw in enumerate(file, start=1):
                line = (raw.removeprefix(codecs.BOM_UTF8) if number == 1 else raw).strip()
                if not line:
                    continue
                try:
                    row = json.loads(line.decode())
                except UnicodeDecodeError as error:
                    raise InputError(
                        f"{path}, line {number}: this is not UTF-8 text ({error}); save the file as UTF-8"
                    ) from error
                except (ValueError, RecursionError) as error:
                    raise InputError(f"{path}, line {number}: this is no JSON ({error})") from error
                if not isinstance(row, dict):
                    raise InputError(f"{path}, line {number}: expected an object, found {type(row).__name__}")
                yield number, row
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error


def read_items(path: Path, questions: Sequence[Question]) -> list[Item]:
    """Read labelled rows; a row that answers none of the questions is left out.

    Raises InputError where a row has no text, or an answer that its question does not offer, or where there is no row.
    """
    items: list[Item] = []
    number = 0
    for number, row in read_json_lines(path):
        try:
            item = item_of(row, number, questions)
        except KeyError as error:
            raise InputError(f"{path}, line {number}: the field {error} is missing") from error
        except (TypeError, ValueError, OverflowError, OSError) as error:
            raise InputError(f"{path}, line {number}: {error}; see docs/formats.md") from error
        if item is not None:
            items.append(item)
    if not number:
        raise InputError(f"{path} is empty; docs/formats.md has the form of labelled rows")
    return items


def nameless(item: Item) -> bool:
    """Tell whether a row that was read named neither room nor conversation, and so stands for itself alone."""
    return item.conversation.startswith(_LINE)


def item_of(row: Mapping[str, Any], number: int, questions: Sequence[Question]) -> Item | None:
    """Read one row, known as its line ``number``; None where it answers none of the questions.

    Raises KeyError where a field is missing, and what the fault raises (TypeError, ValueError, OverflowError, OSError)
    where one holds what it cannot.
    """
    answers: dict[QuestionId, OptionId] = {}
    for question in questions:
        answer = _answer(row, question)
        if answer is not None:
            answers[question.id] = answer
    if not answers:
        return None
    text = row["text"]
    if not isinstance(text, str):
        raise TypeError("text is not a string")
    window = tuple(
        WindowMessage(sender=str(m["sender"]), text=str(m["text"])) for m in row.get("window", row.get("cr_window", []))
    )
    room = str(row.get("room", row.get("conv", f"{_LINE}{number}")))
    at = _time(row.get("timestamp"))
    burst = Burst(
        id=BurstId(f"{room}:{row.get('id', number)}"),
        room=RoomId(room),
        sender=MemberId(str(row["sender"])) if "sender" in row else _asker(window),
        text=text,
        window=window,
        started_at=at,
        ended_at=at,
    )
    return Item(burst=burst, answers=answers, conversation=room, weight=_weight(row.get("weight", 1.0)))


def _weight(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise ValueError(f"weight {value!r} is no number above 0")
    return float(value)


def _answer(row: Mapping[str, Any], question: Question) -> OptionId | None:
    for key in (question.id, *ALIASES.get(question.id, ())):
        value = row.get(key)
        if isinstance(value, bool):
            return question.positive if value else question.negatives[0]
        if value is not None:
            return question.options[question.index(OptionId(str(value)))].id
    return None


def _asker(window: Sequence[WindowMessage]) -> MemberId:
    """Dialogue sets name no sender: two people take turns, so the asker spoke before the last message."""
    turns = [m.sender for m in window if m.sender != _TOPIC]
    return MemberId(turns[-2] if len(turns) > 1 else "asker")


def _time(value: object) -> datetime:
    if value is None:
        return _UNKNOWN_TIME
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    moment = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

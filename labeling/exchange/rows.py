"""Labelled rows: the plain form that files have which are evaluated, trained on and measured.

One line a burst, one field a question: what other tools' labels are most easily brought into. Who answered what, and
when, is not part of it.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from labeling.exchange.row import Given, Row, Said, Written, line_of
from models.errors import InputError
from models.ids import RequestId
from models.item import Item
from models.labelled import item_of
from models.labels import Response, ResponseStatus
from models.question import Question, versions

WHO = "rows"
"""The annotator under whom their answers are kept."""
UNLABELLED = "no question is settled in its present words"


def write(rows: Sequence[Row], questions: Sequence[Question]) -> Written:
    """Make the lines; ``weight`` is 1 over the probability. Bursts with no label in the present words are left out."""
    lines = []
    for row in rows:
        answers = row.answers(questions)
        if not answers:
            continue
        body: dict[str, Any] = {"id": row.id, "room": row.room, "sender": row.sender}
        body |= {"timestamp": row.started_at.isoformat(), "text": row.text}
        body["window"] = [{"sender": m.sender, "text": m.text} for m in row.window]
        body |= {question.id: answers.get(question.id) for question in questions}
        lines.append(line_of(body | {"weight": round(1 / row.probability, 6)}))
    return Written(lines=tuple(lines), left_out={UNLABELLED: len(rows) - len(lines)})


def read(row: Mapping[str, Any], number: int, questions: Sequence[Question]) -> Row | None:
    """Read line ``number``; None where it answers no question. Raises InputError naming the fault.

    Fields that the form does not know are passed over, as wherever such rows are read. A line without ``id`` is known
    by its number and what it holds, so that a second import of the same file brings nothing twice.
    """
    try:
        item = item_of(row, number, questions)
    except KeyError as error:
        raise InputError(f"the field {error} is missing") from error
    except TypeError as error:
        raise InputError(str(error)) from error
    name = row.get("id")
    return None if item is None else _row(item, _digest(row, number) if name is None else str(name), questions)


def _row(item: Item, name: str, questions: Sequence[Question]) -> Row:
    burst = item.burst
    response = Response(
        request=RequestId(""),
        annotator=WHO,
        answers=item.answers,
        status=ResponseStatus.SUBMITTED,
        submitted_at=burst.started_at,
        versions=versions(questions),
    )
    return Row(
        id=name,
        room=burst.room,
        sender=burst.sender,
        text=burst.text,
        window=tuple(Said(sender=m.sender, text=m.text) for m in burst.window),
        started_at=burst.started_at,
        ended_at=burst.ended_at,
        given=(Given(response=response),),
        labels=None,
        probability=min(1.0, 1 / item.weight),
    )


def _digest(body: Mapping[str, Any], number: int) -> str:
    told = json.dumps([number, body], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(told.encode("utf-8", "replace")).hexdigest()[:24]

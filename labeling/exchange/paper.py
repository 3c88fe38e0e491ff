"""The paper's record: one line a burst, two judges on whether it asks something, and whether it needs its window.

Where a label was settled both judges hold it; where answers tie, each keeps its own.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from labeling.exchange.row import Given, Row, Said, Written, field, line_of, only
from models.errors import InputError
from models.ids import OptionId, QuestionId, RequestId
from models.labels import Purpose, Response, ResponseStatus
from models.question import Question

FIELDS = ("id", "sender", "text", "timestamp", "is_question", "kimi_is_question", "cr_window", "cr_need_gt")
JUDGES = ("judge 1", "judge 2")
ASKS, NEEDS = QuestionId("is_question"), QuestionId("needs_context")
ROOM = "paper"


def write(rows: Sequence[Row], questions: Sequence[Question]) -> Written:
    """Make the paper's records. Bursts whose answers are neither yes nor no do not fit, and are left out."""
    asks, needs = _asked(questions)
    lines: list[str] = []
    left_out: Counter[str] = Counter()
    names: set[int] = set()
    for row in rows:
        judged = _judged(row, asks, questions)
        if judged is None:
            left_out["is_question is not settled as yes or no"] += 1
            continue
        needed = _needed(row, needs, questions, asked=all(judged))
        if needed is None:
            left_out["needs_context is not settled as yes or no"] += 1
            continue
        at = int(row.started_at.timestamp())
        window = [
            {"sender": m.sender, "text": m.text, "timestamp": at if m.timestamp is None else m.timestamp}
            for m in row.window
        ]
        name = _number(row.id)
        while name in names:  # of two files, or by a chance of 1 in 10^14
            name = _number(f"again {name}")
        names.add(name)
        values = (name, row.sender, row.text, at, *judged, window, needed)
        lines.append(line_of(dict(zip(FIELDS, values, strict=True))))
    return Written(lines=tuple(lines), left_out=left_out)


def read(row: Mapping[str, Any], questions: Sequence[Question]) -> Row:
    """Read one record; raises InputError naming the field at fault."""
    asks, needs = _asked(questions)
    only(row, *FIELDS)
    at = datetime.fromtimestamp(field(row, "timestamp", int), UTC)
    window = []
    for message in field(row, "cr_window", list):
        if not isinstance(message, dict):
            raise InputError("'cr_window' should hold objects")
        only(message, "sender", "text", "timestamp")
        sender, text = field(message, "sender", str), field(message, "text", str)
        window.append(Said(sender=sender, text=text, timestamp=field(message, "timestamp", int)))
    need = needs.positive if field(row, "cr_need_gt", bool) else needs.negatives[0]
    versions = {question.id: question.version for question in (asks, needs)}
    given = [
        Given(
            response=Response(
                request=RequestId(""),
                annotator=judge,
                answers={asks.id: asks.positive if field(row, key, bool) else asks.negatives[0], needs.id: need},
                status=ResponseStatus.SUBMITTED,
                submitted_at=at,
                versions=versions,
            ),
            purpose=purpose,
        )
        for judge, key, purpose in zip(
            JUDGES, ("is_question", "kimi_is_question"), (Purpose.ASK, Purpose.OVERLAP), strict=True
        )
    ]
    return Row(
        id=str(field(row, "id", int)),
        room=ROOM,
        sender=field(row, "sender", str),
        text=field(row, "text", str),
        window=tuple(window),
        started_at=at,
        ended_at=at,
        given=tuple(given),
        labels=None,
    )


def _number(name: str) -> int:
    """A row's id as a whole number: itself where it is one, else from its hash."""
    if name.removeprefix("-").isascii() and name.removeprefix("-").isdigit() and str(int(name)) == name:
        return int(name)
    return int(hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:12], 16)


def _asked(questions: Sequence[Question]) -> tuple[Question, Question]:
    found = {question.id: question for question in questions}
    if ASKS not in found or NEEDS not in found:
        raise InputError("the paper's record answers is_question and needs_context; config.toml does not ask both")
    return found[ASKS], found[NEEDS]


def _judged(row: Row, asks: Question, questions: Sequence[Question]) -> tuple[bool, bool] | None:
    """Both judges' answers, or None where they are not yes or no."""
    label = row.answers(questions).get(asks.id)
    said = [label, label] if label is not None else _voices(row, asks)[:2]
    if len(said) < 2 or any(option not in (asks.positive, asks.negatives[0]) for option in said):
        return None
    return said[0] == asks.positive, said[1] == asks.positive


def _needed(row: Row, needs: Question, questions: Sequence[Question], *, asked: bool) -> bool | None:
    """Whether the chat before it is needed; what is no question needs none, unless somebody said otherwise."""
    label = row.answers(questions).get(needs.id)
    said = [label] if label is not None else _voices(row, needs)
    if not said:
        return None if asked else False
    if said[0] not in (needs.positive, needs.negatives[0]) or (asked and label is None):
        return None
    return said[0] == needs.positive


def _voices(row: Row, question: Question) -> list[OptionId]:
    """What people answered to a question in its present words, in order of submission."""
    return [
        given.response.answers[question.id]
        for given in row.given
        if given.response.status is ResponseStatus.SUBMITTED
        and given.purpose is not Purpose.ADJUDICATE
        and question.id in given.response.answers
        and (given.response.versions or {}).get(question.id) == question.version
    ]

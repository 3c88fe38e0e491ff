"""Our own form: one line a burst, with everything that was answered and settled about it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from labeling.exchange.row import Given, Row, Said, Written, field, line_of, only
from models.errors import InputError
from models.ids import BurstId, OptionId, QuestionId, RequestId
from models.labels import Label, Purpose, Response, ResponseStatus
from models.question import Question

FIELDS = (
    "id",
    "room",
    "sender",
    "text",
    "window",
    "started_at",
    "ended_at",
    "audit",
    "probability",
    "trainable",
    "labels",
    "responses",
)
LABEL = (
    "question",
    "version",
    "option",
    "responses",
    "labelled_at",
    "audit",
    "annotators",
    "guideline",
    "source",
)
RESPONSE = ("annotator", "purpose", "round", "status", "submitted_at", "answers", "rewrite", "versions", "guideline")
_NOTHING = type(None)


def write(rows: Sequence[Row], questions: Sequence[Question]) -> Written:  # noqa: ARG001 - as all forms are written
    """Make the lines; nothing is left out, whatever wording a label was made under."""
    return Written(lines=tuple(line_of(_body(row)) for row in rows), left_out={})


def read(row: Mapping[str, Any], questions: Sequence[Question]) -> Row:
    """Read one line; raises InputError naming the field at fault."""
    if "labels" not in row and any(question.id in row for question in questions):
        raise InputError("the field 'labels' is missing; --format rows reads labelled rows, --format paper the paper's")
    only(row, *FIELDS)
    probability = float(field(row, "probability", int, float))
    if not 0.0 < probability <= 1.0:
        raise InputError("the field 'probability' should be above 0 and at most 1")
    return Row(
        id=field(row, "id", str),
        room=field(row, "room", str),
        sender=field(row, "sender", str),
        text=field(row, "text", str),
        window=tuple(_said(message) for message in _objects(row, "window")),
        started_at=_time(row, "started_at"),
        ended_at=_time(row, "ended_at"),
        audit=field(row, "audit", bool),
        probability=probability,
        trainable=field(row, "trainable", bool),
        labels=tuple(_label(label) for label in _objects(row, "labels")),
        given=tuple(_given(response) for response in _objects(row, "responses")),
    )


def _body(row: Row) -> dict[str, Any]:
    window = [
        {"sender": m.sender, "text": m.text} | ({} if m.timestamp is None else {"timestamp": m.timestamp})
        for m in row.window
    ]
    labels = [_label_fields(label) for label in row.labels or ()]
    given = [_response(given) for given in row.given]
    return {
        "id": row.id,
        "room": row.room,
        "sender": row.sender,
        "text": row.text,
        "window": window,
        "started_at": row.started_at.isoformat(),
        "ended_at": row.ended_at.isoformat(),
        "audit": row.audit,
        "probability": row.probability,
        "trainable": row.trainable,
        "labels": labels,
        "responses": given,
    }


def _label_fields(label: Label) -> dict[str, Any]:
    return {
        "question": label.question,
        "version": label.question_version,
        "option": label.option,
        "responses": label.responses,
        "labelled_at": label.labelled_at.isoformat(),
        "audit": label.audit,
        "annotators": list(label.annotators),
        "guideline": label.guideline,
        "source": label.source,
    }


def _response(given: Given) -> dict[str, Any]:
    said = given.response
    return {
        "annotator": said.annotator,
        "purpose": given.purpose.value,
        "round": given.round,
        "status": said.status.value,
        "submitted_at": said.submitted_at.isoformat(),
        "answers": dict(said.answers),
        "rewrite": said.rewrite,
        "versions": None if said.versions is None else dict(said.versions),
        "guideline": said.guideline,
    }


def _objects(row: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = field(row, name, list)
    if not all(isinstance(one, dict) for one in found):
        raise InputError(f"the field {name!r} should hold objects")
    return list(found)


def _said(message: Mapping[str, Any]) -> Said:
    only(message, "sender", "text", "timestamp")
    timestamp = field(message, "timestamp", int) if "timestamp" in message else None
    return Said(sender=field(message, "sender", str), text=field(message, "text", str), timestamp=timestamp)


def _label(label: Mapping[str, Any]) -> Label:
    only(label, *LABEL)
    option = field(label, "option", str, _NOTHING)
    return Label(
        burst=BurstId(""),
        question=QuestionId(field(label, "question", str)),
        question_version=field(label, "version", str),
        option=None if option is None else OptionId(option),
        responses=field(label, "responses", int),
        labelled_at=_time(label, "labelled_at"),
        audit=field(label, "audit", bool),
        annotators=tuple(str(name) for name in field(label, "annotators", list)),
        guideline=field(label, "guideline", str, _NOTHING),
        source=field(label, "source", str, _NOTHING),
    )


def _given(given: Mapping[str, Any]) -> Given:
    only(given, *RESPONSE)
    try:
        purpose, status = Purpose(field(given, "purpose", str)), ResponseStatus(field(given, "status", str))
    except ValueError as error:
        raise InputError(f"{error} (purpose or status of a response)") from error
    versions = field(given, "versions", dict, _NOTHING)
    response = Response(
        request=RequestId(""),
        annotator=field(given, "annotator", str),
        answers={QuestionId(q): OptionId(o) for q, o in _texts(given, "answers").items()},
        status=status,
        submitted_at=_time(given, "submitted_at"),
        rewrite=field(given, "rewrite", str, _NOTHING),
        versions=None if versions is None else {QuestionId(q): v for q, v in _texts(given, "versions").items()},
        guideline=field(given, "guideline", str, _NOTHING),
    )
    return Given(response=response, purpose=purpose, round=field(given, "round", int))


def _texts(row: Mapping[str, Any], name: str) -> dict[str, str]:
    found = field(row, name, dict)
    if not all(isinstance(value, str) for value in found.values()):
        raise InputError(f"the field {name!r} should hold texts")
    return dict(found)


def _time(row: Mapping[str, Any], name: str) -> datetime:
    try:
        moment = datetime.fromisoformat(field(row, name, str))
    except ValueError as error:
        raise InputError(f"the field {name!r} is no time: {error}") from error
    if moment.tzinfo is None:
        raise InputError(f"the field {name!r} has no time zone")
    return moment

"""What people answered to requests."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlite_utils import Database

from models.ids import BurstId, OptionId, QuestionId, RequestId
from models.labels import Purpose, Response, ResponseStatus
from models.store.database import storable, to_seconds, to_time, transaction


def put(db: Database, responses: Sequence[Response]) -> list[RequestId]:
    """Write responses down (a changed one replaces the earlier); returns the requests whose responses changed."""
    changed: list[RequestId] = []
    with transaction(db):
        for response in responses:
            row = _row(response)
            known = next(
                iter(
                    db.query(
                        "SELECT * FROM responses WHERE request = ? AND annotator = ?",
                        [response.request, response.annotator],
                    )
                ),
                None,
            )
            if known is None or any(known[column] != row[column] for column in ("answers", "rewrite", "status")):
                db.table("responses").upsert(row, pk=("request", "annotator"))
                changed.append(response.request)
    return list(dict.fromkeys(changed))


def to(db: Database, request: RequestId) -> list[Response]:
    """All responses to one request, in order of submission."""
    rows = db.query("SELECT * FROM responses WHERE request = ? ORDER BY submitted_at, annotator", [request])
    return [_response(row) for row in rows]


def about(db: Database, burst: BurstId) -> list[Response]:
    """All responses to all requests about one burst, in order of submission."""
    rows = db.query(
        "SELECT r.* FROM responses r JOIN requests q ON q.id = r.request WHERE q.burst = ? "
        "ORDER BY r.submitted_at, r.request, r.annotator",
        [burst],
    )
    return [_response(row) for row in rows]


def answered(db: Database) -> list[tuple[BurstId, Purpose, Response]]:
    """All responses with the bursts and purposes of their requests, in order of submission."""
    rows = db.query(
        "SELECT r.*, q.burst AS q_burst, q.purpose AS q_purpose FROM responses r JOIN requests q ON q.id = r.request "
        "ORDER BY r.submitted_at, r.request, r.annotator"
    )
    return [(BurstId(row["q_burst"]), Purpose(row["q_purpose"]), _response(row)) for row in rows]


def every(db: Database) -> list[Response]:
    """All responses, in order of submission."""
    return [_response(row) for row in db.query("SELECT * FROM responses ORDER BY submitted_at, request, annotator")]


def _row(response: Response) -> dict[str, Any]:
    return {
        "request": response.request,
        "annotator": response.annotator,
        "answers": json.dumps(dict(response.answers)),
        "rewrite": None if response.rewrite is None else storable(response.rewrite),
        "status": response.status.value,
        "submitted_at": to_seconds(response.submitted_at),
        "versions": None if response.versions is None else json.dumps(dict(response.versions)),
        "guideline": response.guideline,
    }


def _response(row: Mapping[str, Any]) -> Response:
    return Response(
        request=RequestId(row["request"]),
        annotator=row["annotator"],
        answers={QuestionId(q): OptionId(o) for q, o in json.loads(row["answers"]).items()},
        rewrite=row["rewrite"],
        status=ResponseStatus(row["status"]),
        submitted_at=to_time(row["submitted_at"]),
        versions=None
        if row["versions"] is None
        else {QuestionId(q): v for q, v in json.loads(row["versions"]).items()},
        guideline=row["guideline"],
    )

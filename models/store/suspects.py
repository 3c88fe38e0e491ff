"""Suspicion of labels as the last learning found it, and the second looks that were sent because of it."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from models.consent import Mode, lower
from models.ids import BurstId, DatasetId, OptionId, QuestionId, RequestId, RoomId
from models.store.database import to_seconds, to_time, transaction
from models.suspects import Reason, Review, Weighed

Annotators = Mapping[tuple[BurstId, QuestionId, OptionId], tuple[str, ...]]
"""Who gave an answer about a burst."""

_OPEN = (
    "SELECT s.*, b.room, b.platform, r.mode AS mode FROM suspects s JOIN bursts b ON b.id = s.burst "
    "JOIN labels l ON l.burst = s.burst AND l.question = s.question AND l.question_version = s.question_version "
    "LEFT JOIN routes r ON r.burst = s.burst WHERE l.option = s.given AND b.text <> '' AND b.state <> 'withdrawn' "
    "AND NOT EXISTS (SELECT 1 FROM reviews v WHERE v.burst = s.burst) ORDER BY s.suspicion DESC, s.burst, s.question"
)
_REVIEWS = (
    "SELECT v.*, q.state AS state, l.option AS now FROM reviews v LEFT JOIN requests q ON q.id = v.request "
    "LEFT JOIN labels l ON l.burst = v.burst AND l.question = v.question AND l.question_version = v.question_version "
    "ORDER BY v.sent_at, v.request"
)


def replace(db: Database, dataset: DatasetId, weighed: Sequence[Weighed], at: datetime) -> None:
    """Write down what a learning found about every label; what an earlier one found is forgotten."""
    with transaction(db):
        db.conn.execute("DELETE FROM suspects")
        rows = [_row(one) | {"dataset": dataset, "found_at": to_seconds(at)} for one in weighed]
        db.table("suspects").insert_all(rows, pk=("burst", "question"))


def unreviewed(
    db: Database,
    versions: Mapping[QuestionId, str],
    modes: Callable[[RoomId, str], Mode] = lambda _room, _platform: Mode.TRAIN,
) -> list[Weighed]:
    """Labels at the present wordings that still stand as they were weighed, most suspect first.

    Left out are bursts that were sent for a second look before, that have no text any more, and those of rooms where
    labelling is not agreed to now or was not then.
    """
    found = []
    for row in db.query(_OPEN):
        mode = modes(RoomId(row["room"]), row["platform"] or "")
        if versions.get(row["question"]) == row["question_version"] and lower(mode, Mode(row["mode"] or mode)).allows(
            Mode.LABEL
        ):
            found.append(_weighed(row))
    return found


def put_reviews(db: Database, sent: Mapping[RequestId, Weighed], controls: Sequence[RequestId], at: datetime) -> None:
    """Note second looks, and which of them are controls; one that is known stays as it is."""
    with transaction(db):
        rows = [
            {"request": request, **_row(one), "control": int(request in controls), "sent_at": to_seconds(at)}
            for request, one in sent.items()
        ]
        db.table("reviews").insert_all(rows, pk="request", ignore=True)


def reviews(db: Database) -> list[Review]:
    """All second looks, in the order in which they were sent, with the labels as they are now."""
    return [
        Review(
            request=RequestId(row["request"]),
            weighed=_weighed(row),
            control=bool(row["control"]),
            sent_at=to_time(row["sent_at"]),
            answered=row["state"] == "answered",
            now=None if row["now"] is None else OptionId(row["now"]),
        )
        for row in db.query(_REVIEWS)
    ]


def sent_since(db: Database, since: datetime) -> int:
    """Second looks sent since a moment, controls counted."""
    row = db.conn.execute("SELECT count(*) FROM reviews WHERE sent_at >= ?", [to_seconds(since)]).fetchone()
    return int(row[0])


def annotators(db: Database) -> Annotators:
    """Who gave which answer about which burst, over all requests about it."""
    found: dict[tuple[BurstId, QuestionId, OptionId], set[str]] = {}
    for row in db.query(
        "SELECT q.burst, r.annotator, r.answers FROM responses r JOIN requests q ON q.id = r.request "
        "WHERE r.status = 'submitted'"
    ):
        for question, option in json.loads(row["answers"]).items():
            key = (BurstId(row["burst"]), QuestionId(question), OptionId(option))
            found.setdefault(key, set()).add(row["annotator"])
    return {key: tuple(sorted(names)) for key, names in found.items()}


def _row(one: Weighed) -> dict[str, Any]:
    return {
        "burst": one.burst,
        "question": one.question,
        "question_version": one.question_version,
        "given": one.given,
        "suspected": one.suspected,
        "suspicion": one.suspicion,
        "reasons": " ".join(one.reasons),
    }


def _weighed(row: Mapping[str, Any]) -> Weighed:
    return Weighed(
        burst=BurstId(row["burst"]),
        question=QuestionId(row["question"]),
        question_version=row["question_version"],
        given=OptionId(row["given"]),
        suspected=OptionId(row["suspected"]),
        suspicion=row["suspicion"],
        reasons=tuple(Reason(name) for name in row["reasons"].split()),
    )

"""The history of rounds of revision, and what people said of the same bursts before and after each."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlite_utils import Database

from models.ids import CandidateId, OptionId, QuestionId
from models.revision import Relabelled, Round, RungReading
from models.store.database import to_seconds, to_time, transaction
from models.wording import Wording


def put(db: Database, made: Round) -> None:
    """Write a round down."""
    with transaction(db):
        db.table("revisions").insert(
            {
                "question": made.question,
                "round": made.round,
                "old": _written(made.old),
                "new": _written(made.new),
                "old_version": made.old_version,
                "new_version": made.new_version,
                "back": int(made.back),
                "by": made.by,
                "why": made.why,
                "at": to_seconds(made.at),
                "labels": made.labels,
                "tried": None if made.tried is None else json.dumps(made.tried),
                "before": _readings_written(made.before),
                "after": _readings_written(made.after),
                "after_candidate": made.after_candidate,
            }
        )


def rounds(db: Database, question: QuestionId | None = None) -> list[Round]:
    """All rounds of one question, or of all, oldest first."""
    rows = db.query(
        "SELECT * FROM revisions WHERE :question IS NULL OR question = :question ORDER BY seq", {"question": question}
    )
    return [_round(row) for row in rows]


def fill_after(
    db: Database,
    question: QuestionId,
    version: str,
    readings: Sequence[RungReading],
    candidate: CandidateId,
) -> None:
    """Note the first ladder that a cycle read in a round's new words; later ones change nothing."""
    with transaction(db):
        db.conn.execute(
            "UPDATE revisions SET after = ?, after_candidate = ? WHERE question = ? AND new_version = ? "
            "AND after IS NULL AND seq = (SELECT max(seq) FROM revisions WHERE question = ?)",
            [_readings_written(readings), candidate, question, version, question],
        )


def relabelled(db: Database, made: Round) -> Relabelled:
    """Set labels in the new words beside those in the old, burst by burst."""
    both, changed = db.conn.execute(
        'SELECT count(*), coalesce(sum(n."option" <> o."option"), 0) FROM labels n JOIN labels o ON o.burst = n.burst '
        "AND o.question = n.question WHERE n.question = ? AND n.question_version = ? AND o.question_version = ? "
        'AND n."option" IS NOT NULL AND o."option" IS NOT NULL',
        [made.question, made.new_version, made.old_version],
    ).fetchone()
    return Relabelled(both=int(both), changed=int(changed))


def _written(words: Wording) -> str:
    return json.dumps(
        {
            "text": words.text,
            "definition": words.definition,
            "guidelines": words.guidelines,
            "options": dict(words.options),
        }
    )


def _read(column: str) -> Wording:
    row = json.loads(column)
    return Wording(
        text=row["text"],
        definition=row["definition"],
        guidelines=row["guidelines"],
        options={OptionId(o): w for o, w in row["options"].items()},
    )


def _readings_written(readings: Sequence[RungReading] | None) -> str | None:
    return None if readings is None else json.dumps([asdict(one) for one in readings])


def _readings(column: str | None) -> tuple[RungReading, ...] | None:
    return None if column is None else tuple(RungReading(**row) for row in json.loads(column))


def _round(row: Mapping[str, Any]) -> Round:
    return Round(
        question=QuestionId(row["question"]),
        round=row["round"],
        old=_read(row["old"]),
        new=_read(row["new"]),
        old_version=row["old_version"],
        new_version=row["new_version"],
        back=bool(row["back"]),
        by=row["by"],
        why=row["why"],
        at=to_time(row["at"]),
        labels=row["labels"],
        tried=None if row["tried"] is None else json.loads(row["tried"]),
        before=_readings(row["before"]),
        after=_readings(row["after"]),
        after_candidate=None if row["after_candidate"] is None else CandidateId(row["after_candidate"]),
    )

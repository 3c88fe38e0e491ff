"""The words that each labelling queue was made with: what is answered there late answers these."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from models.ids import OptionId, QuestionId
from models.question import Option, Question, joint_version
from models.store.database import to_seconds, transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """One queue's questions, and the version of the guidelines beside them."""

    questions: tuple[Question, ...]
    guideline: str | None


def note(db: Database, words: Words, at: datetime) -> None:
    """Write a queue's words down; one that is known stays as it is."""
    with transaction(db):
        row = {
            "joint": joint_version(words.questions),
            "questions": json.dumps([asdict(question) for question in words.questions]),
            "guideline": words.guideline,
            "opened_at": to_seconds(at),
        }
        db.table("queues").insert(row, ignore=True)


def every(db: Database) -> dict[str, Words]:
    """All queues' words, by the joint version that names a queue."""
    return {
        row["joint"]: Words(questions=_questions(row["questions"]), guideline=row["guideline"])
        for row in db.query("SELECT * FROM queues ORDER BY opened_at")
    }


def _questions(column: str) -> tuple[Question, ...]:
    rows: Sequence[dict[str, Any]] = json.loads(column)
    return tuple(
        Question(
            **row
            | {
                "options": tuple(Option(id=OptionId(o["id"]), wording=o["wording"]) for o in row["options"]),
                "after": {QuestionId(q): OptionId(o) for q, o in row["after"].items()},
            }
        )
        for row in rows
    )

"""The next step that the gate proposed for each candidate that did not pass."""

from datetime import datetime

from sqlite_utils import Database

from models.ids import CandidateId, QuestionId
from models.step import Move, Step
from models.store.database import to_seconds, transaction


def put(db: Database, candidate: CandidateId, step: Step | None, at: datetime) -> None:
    """Write the step for a candidate down in place of an earlier one; None where there is nothing to do."""
    with transaction(db):
        db.conn.execute("DELETE FROM steps WHERE candidate = ?", [candidate])
        if step is not None:
            row = {"move": step.move.value, "question": step.question, "count": step.count, "reason": step.reason}
            db.table("steps").insert({"candidate": candidate, **row, "proposed_at": to_seconds(at)}, pk="candidate")


def current(db: Database) -> Step | None:
    """The step for the newest candidate; None where it passed, or there is none."""
    row = next(
        iter(
            db.query(
                "SELECT s.* FROM (SELECT id FROM candidates ORDER BY created_at DESC LIMIT 1) c "
                "JOIN steps s ON s.candidate = c.id"
            )
        ),
        None,
    )
    if row is None:
        return None
    return Step(
        move=Move(row["move"]),
        question=None if row["question"] is None else QuestionId(row["question"]),
        count=row["count"],
        reason=row["reason"],
    )

"""Agreed labels, and the labelled bursts that datasets are made of."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from models.chat import Burst
from models.consent import Mode, lower
from models.ids import BurstId, OptionId, QuestionId, RoomId
from models.item import Item
from models.labels import IMPORTED, Label
from models.question import Question
from models.store import selection
from models.store.bursts import burst_of
from models.store.database import to_seconds, to_time, transaction


def put(db: Database, labels: Sequence[Label]) -> None:
    """Write labels down; a new agreement replaces the earlier one."""
    with transaction(db):
        db.table("labels").upsert_all(
            [
                {
                    "burst": label.burst,
                    "question": label.question,
                    "question_version": label.question_version,
                    "option": label.option,
                    "responses": label.responses,
                    "audit": int(label.audit),
                    "labelled_at": to_seconds(label.labelled_at),
                    "annotators": json.dumps(label.annotators),
                    "guideline": label.guideline,
                    "source": label.source,
                }
                for label in labels
            ],
            pk=("burst", "question", "question_version"),
        )


def about(db: Database, burst: BurstId) -> list[Label]:
    """All labels of one burst, whatever question versions they were made under, oldest first."""
    rows = db.query("SELECT * FROM labels WHERE burst = ? ORDER BY labelled_at, question, question_version", [burst])
    return [_label(row) for row in rows]


def answered_bursts(db: Database) -> list[Burst]:
    """Bursts that have text and were answered about or labelled, oldest first. What was erased has no text."""
    rows = db.query(
        "SELECT * FROM bursts b WHERE text <> '' AND state <> 'withdrawn' AND (id IN (SELECT burst FROM labels) "
        "OR id IN (SELECT q.burst FROM requests q JOIN responses r ON r.request = q.id)) ORDER BY started_at, id"
    )
    return [burst_of(row) for row in rows]


def is_labelled(db: Database, burst: BurstId, question: Question) -> bool:
    """Tell whether anything was settled about a burst under a question's present version."""
    row = db.conn.execute(
        "SELECT 1 FROM labels WHERE burst = ? AND question = ? AND question_version = ? AND option IS NOT NULL",
        [burst, question.id, question.version],
    ).fetchone()
    return row is not None


def settled(db: Database, versions: Mapping[QuestionId, str]) -> list[Label]:
    """All labels of questions at these versions, ties apart."""
    rows = db.query("SELECT * FROM labels WHERE option IS NOT NULL ORDER BY burst, question")
    return [_label(row) for row in rows if versions.get(QuestionId(row["question"])) == row["question_version"]]


def put_licence(db: Database, source: str, licence: str) -> None:
    """Note under which licence an imported file's texts and labels are; a later word replaces the earlier."""
    with transaction(db):
        db.table("sources").upsert({"source": source, "licence": licence}, pk="source")


def licences(db: Database) -> dict[str, str]:
    """Licences of imported files by source, as far as somebody stated them."""
    return {row["source"]: row["licence"] for row in db.query("SELECT source, licence FROM sources")}


def void(db: Database, burst: BurstId) -> None:
    """Forget a burst's labels, the responses behind them and their scores: its text is another by now, or gone."""
    with transaction(db):
        db.conn.execute("DELETE FROM labels WHERE burst = ?", [burst])
        db.conn.execute("UPDATE requests SET reworded = 0 WHERE burst = ?", [burst])
        db.conn.execute("DELETE FROM responses WHERE request IN (SELECT id FROM requests WHERE burst = ?)", [burst])
        selection.forget(db, burst)


def count(db: Database, versions: Mapping[QuestionId, str]) -> dict[QuestionId, int]:
    """Settled labels per question, at its present version."""
    return {question: _count(db, question, version) for question, version in versions.items()}


def _count(db: Database, question: QuestionId, version: str) -> int:
    row = db.conn.execute(
        "SELECT count(*) FROM labels WHERE question = ? AND question_version = ? AND option IS NOT NULL",
        [question, version],
    ).fetchone()
    return int(row[0])


def labelled_bursts(db: Database) -> int:
    """Bursts with at least one settled label: the unit in which retraining is scheduled."""
    return int(db.conn.execute("SELECT count(DISTINCT burst) FROM labels WHERE option IS NOT NULL").fetchone()[0])


def labelled_since(db: Database, moment: datetime) -> int:
    """Bursts labelled, or labelled otherwise, since a moment: what the next training has that the last had not."""
    row = db.conn.execute(
        "SELECT count(DISTINCT burst) FROM labels WHERE option IS NOT NULL AND labelled_at >= ?", [to_seconds(moment)]
    ).fetchone()
    return int(row[0])


def items(
    db: Database,
    versions: Mapping[QuestionId, str],
    block_minutes: int,
    modes: Callable[[RoomId, str], Mode] = lambda _room, _platform: Mode.TRAIN,
) -> list[Item]:
    """Labelled bursts at the present question versions, oldest first.

    ``modes`` tells what holds now in a room of a platform. An item is trainable where training was agreed to when it
    was routed and is now; where either allows no labels, it is left out. What was routed before rooms had modes goes by
    what holds now.

    An item's conversation is its room within a block of ``block_minutes``; its weight is 1 over the probability with
    which it came to be asked about: 1 for an unsure burst, audited or not, and 1 over the audit's share for the others.
    """
    rows = db.query(
        "SELECT b.*, l.question AS l_question, l.question_version AS l_version, l.option AS l_option, "
        "coalesce(r.probability, 1.0) AS r_probability, coalesce(r.audit, 0) AS r_audit, r.mode AS r_mode "
        "FROM labels l JOIN bursts b ON b.id = l.burst LEFT JOIN routes r ON r.burst = b.id "
        "WHERE l.option IS NOT NULL AND b.state <> 'withdrawn' ORDER BY b.started_at, b.id"
    )
    found: dict[str, Item] = {}
    for row in rows:
        question = QuestionId(row["l_question"])
        if versions.get(question) != row["l_version"]:
            continue
        imported = row["platform"] == IMPORTED  # whoever imports labels wants them used
        mode = Mode.TRAIN if imported else modes(RoomId(row["room"]), row["platform"] or "")
        mode = lower(mode, Mode(row["r_mode"] or mode))
        if not mode.allows(Mode.LABEL):
            continue
        answers = dict(found[row["id"]].answers) if row["id"] in found else {}
        answers[question] = OptionId(row["l_option"])
        block = int(row["started_at"] // (60 * block_minutes))
        found[row["id"]] = Item(
            burst=burst_of(row),
            answers=answers,
            conversation=f"{row['room']}#{block}",
            weight=1.0 / max(row["r_probability"], 1e-6),
            audit=bool(row["r_audit"]),
            trainable=mode.allows(Mode.TRAIN),
        )
    return list(found.values())


def _label(row: Mapping[str, Any]) -> Label:
    return Label(
        burst=BurstId(row["burst"]),
        question=QuestionId(row["question"]),
        question_version=row["question_version"],
        option=None if row["option"] is None else OptionId(row["option"]),
        responses=row["responses"],
        labelled_at=to_time(row["labelled_at"]),
        audit=bool(row["audit"]),
        annotators=tuple(json.loads(row["annotators"])),
        guideline=row["guideline"],
        source=row["source"],
    )

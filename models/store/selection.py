"""Which labels a candidate was trained on, with every label's scores, dataset by dataset."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from models.ids import BurstId, DatasetId, OptionId, QuestionId
from models.selection import LabelScore, SelectionRun, Why
from models.store.database import to_seconds, to_time, transaction

KEPT_DATASETS = 5
"""Scores of the newest so many datasets are kept; a night adds a row for every label."""

_OLD = "SELECT dataset FROM selections ORDER BY chosen_at DESC, dataset LIMIT -1 OFFSET ?"


def put(db: Database, run: SelectionRun, scores: Sequence[LabelScore]) -> None:
    """Write down how a dataset's labels were chosen, in place of what stood there; very old scores are forgotten."""
    with transaction(db):
        db.conn.execute("DELETE FROM selection_scores WHERE dataset = ?", [run.dataset])
        db.table("selections").upsert(_run_row(run), pk="dataset")
        rows = [asdict(score) | {"dataset": run.dataset, "why": score.why.value} for score in scores]
        db.table("selection_scores").insert_all(rows, pk=("dataset", "burst", "question"))
        for table in ("selection_scores", "selections"):
            db.conn.execute(f"DELETE FROM {table} WHERE dataset IN ({_OLD})", [KEPT_DATASETS])


def put_picture(db: Database, dataset: DatasetId, picture: str) -> None:
    """Note where the picture stands, relative to the data directory."""
    with transaction(db):
        db.conn.execute("UPDATE selections SET picture = ? WHERE dataset = ?", [picture, dataset])


def newest(db: Database) -> SelectionRun | None:
    """How labels were chosen last; None before the first learning."""
    for row in db.query("SELECT * FROM selections ORDER BY chosen_at DESC, dataset LIMIT 1"):
        return _run(row)
    return None


def scores(db: Database, dataset: DatasetId) -> list[LabelScore]:
    """The labels of a dataset as they were scored, by question and burst; erased bursts are not among them."""
    return [
        LabelScore(
            burst=BurstId(row["burst"]),
            question=QuestionId(row["question"]),
            question_version=row["question_version"],
            given=OptionId(row["given"]),
            base_loss=row["base_loss"],
            reference_loss=row["reference_loss"],
            learnability=row["learnability"],
            ifd=row["ifd"],
            margin=row["margin"],
            why=Why(row["why"]),
        )
        for row in db.query("SELECT * FROM selection_scores WHERE dataset = ? ORDER BY question, burst", [dataset])
    ]


def forget(db: Database, burst: BurstId) -> None:
    """Forget the scores of a burst: its text is another by now, or gone."""
    with transaction(db):
        db.conn.execute("DELETE FROM selection_scores WHERE burst = ?", [burst])


def _run_row(run: SelectionRun) -> dict[str, Any]:
    return {
        "dataset": run.dataset,
        "method": run.method,
        "share": run.share,
        "balance": run.balance,
        "drop_near_duplicates": int(run.drop_near_duplicates),
        "rung": run.rung,
        "notes": "\n".join(run.notes),
        "picture": run.picture,
        "chosen_at": to_seconds(run.chosen_at),
    }


def _run(row: Mapping[str, Any]) -> SelectionRun:
    at: datetime = to_time(row["chosen_at"])
    return SelectionRun(
        dataset=DatasetId(row["dataset"]),
        method=row["method"],
        share=row["share"],
        balance=row["balance"],
        drop_near_duplicates=bool(row["drop_near_duplicates"]),
        rung=row["rung"],
        notes=tuple(line for line in row["notes"].split("\n") if line),
        picture=row["picture"],
        chosen_at=at,
    )

"""Datasets, runs, candidates and verdicts: what retrain reports and maintainers read."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from models.errors import StoreError
from models.evidence import Candidate, Check, Outcome, Terms, Verdict
from models.ids import CandidateId, DatasetId, QuestionId, RunId
from models.store.database import to_seconds, to_time, transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One training run as it stands; state is running, done, or failed (``message`` says why)."""

    id: RunId
    kind: str
    dataset: DatasetId | None
    state: str
    step: int
    steps: int
    loss: float | None
    message: str
    pid: int
    started_at: datetime
    updated_at: datetime


def put_dataset(
    db: Database, dataset: DatasetId, path: str, items: int, versions: Mapping[QuestionId, str], at: datetime
) -> None:
    """Write a frozen dataset down; the same one again changes nothing."""
    with transaction(db):
        row = {
            "id": dataset,
            "path": path,
            "items": items,
            "question_versions": json.dumps(dict(versions)),
            "created_at": to_seconds(at),
        }
        db.table("datasets").insert(row, ignore=True)


def put_run(db: Database, run: Run) -> None:
    """Write a run's state down."""
    with transaction(db):
        db.table("runs").upsert(
            {
                "id": run.id,
                "kind": run.kind,
                "dataset": run.dataset,
                "state": run.state,
                "step": run.step,
                "steps": run.steps,
                "loss": run.loss,
                "message": run.message,
                "pid": run.pid,
                "started_at": to_seconds(run.started_at),
                "updated_at": to_seconds(run.updated_at),
            },
            pk="id",
        )


def last_run(db: Database) -> Run | None:
    """The run that started last, or None."""
    row = next(iter(db.query("SELECT * FROM runs ORDER BY started_at DESC LIMIT 1")), None)
    if row is None:
        return None
    return Run(
        id=RunId(row["id"]),
        kind=row["kind"],
        dataset=None if row["dataset"] is None else DatasetId(row["dataset"]),
        state=row["state"],
        step=row["step"],
        steps=row["steps"],
        loss=row["loss"],
        message=row["message"],
        pid=row["pid"],
        started_at=to_time(row["started_at"]),
        updated_at=to_time(row["updated_at"]),
    )


def put_candidate(db: Database, candidate: Candidate, verdict: Verdict) -> None:
    """Write a candidate and its verdict down, in one transaction."""
    with transaction(db):
        db.table("candidates").upsert(
            {
                "id": candidate.id,
                "run": candidate.run,
                "dataset": candidate.dataset,
                "base": candidate.base,
                "adapter_path": candidate.adapter_path,
                "adapter_sha256": candidate.adapter_sha256,
                "gguf_path": candidate.gguf_path,
                "gguf_sha256": candidate.gguf_sha256,
                "question_versions": json.dumps(dict(candidate.question_versions)),
                "created_at": to_seconds(candidate.created_at),
            },
            pk="id",
        )
        checks = [
            {"name": c.name, "outcome": c.outcome.value, "reason": c.reason, "figures": dict(c.figures)}
            for c in verdict.checks
        ]
        db.table("verdicts").upsert(
            {
                "candidate": verdict.candidate,
                "outcome": verdict.outcome.value,
                "checks": json.dumps(checks),
                "gate_version": verdict.gate_version,
                "picture": verdict.picture,
                "judged_at": to_seconds(verdict.judged_at),
                "terms": None if verdict.terms is None else json.dumps(_terms_body(verdict.terms)),
            },
            pk="candidate",
        )


def candidates(db: Database) -> list[tuple[Candidate, Verdict]]:
    """All candidates with their verdicts, newest first; raises StoreError where one cannot be understood."""
    rows = db.query(
        "SELECT c.*, v.outcome, v.checks, v.gate_version, v.picture, v.judged_at, v.terms "
        "FROM candidates c JOIN verdicts v ON v.candidate = c.id ORDER BY c.created_at DESC"
    )
    found = []
    for row in rows:
        try:
            found.append((_candidate(row), _verdict(row)))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise StoreError(
                f"the verdict on candidate {row['id']} in the database cannot be understood ({error!r}); bring "
                "the database back from a backup"
            ) from error
    return found


def _candidate(row: Mapping[str, Any]) -> Candidate:
    return Candidate(
        id=CandidateId(row["id"]),
        run=RunId(row["run"]),
        dataset=DatasetId(row["dataset"]),
        base=row["base"],
        adapter_path=row["adapter_path"],
        adapter_sha256=row["adapter_sha256"],
        gguf_path=row["gguf_path"],
        gguf_sha256=row["gguf_sha256"],
        question_versions={QuestionId(q): v for q, v in json.loads(row["question_versions"]).items()},
        created_at=to_time(row["created_at"]),
    )


def _verdict(row: Mapping[str, Any]) -> Verdict:
    return Verdict(
        candidate=CandidateId(row["id"]),
        outcome=Outcome(row["outcome"]),
        checks=tuple(
            Check(name=c["name"], outcome=Outcome(c["outcome"]), reason=c["reason"], figures=c["figures"])
            for c in json.loads(row["checks"])
        ),
        gate_version=row["gate_version"],
        picture=row["picture"],
        judged_at=to_time(row["judged_at"]),
        terms=None if row["terms"] is None else Terms(**json.loads(row["terms"])),
    )


def _terms_body(terms: Terms) -> dict[str, Any]:
    return {"gate": dict(terms.gate), "seed": terms.seed, "evidence_sha256": terms.evidence_sha256}

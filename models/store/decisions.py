"""Decisions and routes: written in one transaction with the request that a route asks for."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from models.decision import Decision, Route, Routing
from models.ids import BurstId, OptionId, QuestionId, Revision
from models.labels import Request
from models.store.bursts import ROUTED
from models.store.database import to_seconds, to_time, transaction
from models.store.requests import insert_request


def record(
    db: Database, decisions: Sequence[Decision], routing: Routing, request: Request | None, at: datetime
) -> None:
    """Write what was decided about a burst, its route and its request: all of it or nothing, and each only once."""
    with transaction(db):
        db.table("decisions").upsert_all(
            [_row(decision) for decision in decisions], pk=("burst", "question", "question_version", "revision")
        )
        db.table("routes").upsert(
            {
                "burst": routing.burst,
                "route": routing.route.value,
                "reason": routing.reason,
                "audit": int(routing.audit),
                "probability": routing.probability,
                "routed_at": to_seconds(at),
            },
            pk="burst",
        )
        if request is not None:
            insert_request(db, request)
        db.conn.execute("UPDATE bursts SET state = ? WHERE id = ?", [ROUTED, routing.burst])


def decisions_of(db: Database, burst: BurstId) -> list[Decision]:
    """All decisions about one burst, oldest first."""
    return [_decision(row) for row in db.query("SELECT * FROM decisions WHERE burst = ? ORDER BY decided_at", [burst])]


def routing_of(db: Database, burst: BurstId) -> Routing | None:
    """The route of one burst, or None."""
    row = next(iter(db.query("SELECT * FROM routes WHERE burst = ?", [burst])), None)
    if row is None:
        return None
    return Routing(
        burst=burst,
        route=Route(row["route"]),
        reason=row["reason"],
        audit=bool(row["audit"]),
        probability=row["probability"],
    )


def count_routes(db: Database, since: datetime | None = None) -> dict[str, int]:
    """Bursts by route, all or since a moment."""
    after = 0.0 if since is None else to_seconds(since)
    rows = db.query("SELECT route, count(*) AS n FROM routes WHERE routed_at >= ? GROUP BY route", [after])
    return {row["route"]: row["n"] for row in rows}


def record_reply(db: Database, burst: BurstId, text: str, state: str, at: datetime) -> None:
    """Write down what was replied to a burst; state is "sent" or "failed"."""
    with transaction(db):
        db.table("replies").upsert(
            {"burst": burst, "text": text, "state": state, "replied_at": to_seconds(at)}, pk="burst"
        )


def unanswered(db: Database) -> list[BurstId]:
    """Bursts that were to be replied to and have no reply written down, in order."""
    rows = db.query(
        "SELECT r.burst FROM routes r LEFT JOIN replies p ON p.burst = r.burst "
        "WHERE r.route = 'act' AND p.burst IS NULL ORDER BY r.routed_at"
    )
    return [BurstId(row["burst"]) for row in rows]


def _row(decision: Decision) -> dict[str, Any]:
    return {
        "burst": decision.burst,
        "question": decision.question,
        "question_version": decision.question_version,
        "revision": decision.revision,
        "probabilities": json.dumps(dict(decision.probabilities)),
        "margin": decision.margin,
        "sure": decision.sure,
        "milliseconds": decision.milliseconds,
        "decided_at": to_seconds(decision.decided_at),
    }


def _decision(row: Mapping[str, Any]) -> Decision:
    return Decision(
        burst=BurstId(row["burst"]),
        question=QuestionId(row["question"]),
        question_version=row["question_version"],
        revision=Revision(row["revision"]),
        probabilities={OptionId(o): p for o, p in json.loads(row["probabilities"]).items()},
        margin=row["margin"],
        sure=None if row["sure"] is None else OptionId(row["sure"]),
        milliseconds=row["milliseconds"],
        decided_at=to_time(row["decided_at"]),
    )

"""Decisions and routes: written in one transaction with the request that a route asks for."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from models.consent import Mode
from models.decision import Decision, Route, Routing
from models.ids import BurstId, EventId, OptionId, QuestionId, Revision
from models.labels import Request
from models.store.bursts import ROUTED, WITHDRAWN
from models.store.database import storable, to_seconds, to_time, transaction
from models.store.requests import insert_request

_UPSERT_DECISION = (
    "INSERT INTO decisions (burst, question, question_version, revision, probabilities, margin, sure, milliseconds, "
    "decided_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (burst, question, question_version, revision) "
    "DO UPDATE SET probabilities = excluded.probabilities, margin = excluded.margin, sure = excluded.sure, "
    "milliseconds = excluded.milliseconds, decided_at = excluded.decided_at"
)
_UPSERT_ROUTE = (
    "INSERT INTO routes (burst, route, reason, audit, probability, mode, unsure, routed_at) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (burst) DO UPDATE SET route = excluded.route, reason = excluded.reason, audit = excluded.audit, "
    "probability = excluded.probability, mode = excluded.mode, unsure = excluded.unsure, routed_at = excluded.routed_at"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed:
    """What one burst came to: what was decided about it, its route, and the request that the route asks for."""

    decisions: Sequence[Decision]
    routing: Routing
    request: Request | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delays:
    """Seconds from a burst's closing to its route, half and 95 in 100 of them at most; None where there are none."""

    bursts: int
    p50_s: float | None
    p95_s: float | None


def record(
    db: Database, decisions: Sequence[Decision], routing: Routing, request: Request | None, at: datetime
) -> None:
    """Write what was decided about a burst, its route and its request: all of it or nothing, and each only once."""
    record_all(db, [Routed(decisions=decisions, routing=routing, request=request)], at)


def record_all(db: Database, batch: Sequence[Routed], at: datetime) -> None:
    """Record several bursts in one transaction."""
    routings = [routed.routing for routed in batch]
    with transaction(db):
        db.conn.executemany(_UPSERT_DECISION, [_row(decision) for routed in batch for decision in routed.decisions])
        db.conn.executemany(
            _UPSERT_ROUTE,
            [_route_row(routing, at) for routing in routings],
        )
        for routed in batch:
            if routed.request is not None:
                insert_request(db, routed.request)
        db.conn.executemany(
            "UPDATE bursts SET state = ? WHERE id = ? AND state <> ?", [(ROUTED, r.burst, WITHDRAWN) for r in routings]
        )


def _route_row(r: Routing, at: datetime) -> tuple[object, ...]:
    return (
        r.burst,
        r.route.value,
        r.reason,
        int(r.audit),
        r.probability,
        r.mode,
        int(r.unsure),
        to_seconds(at),
    )


def newest(db: Database, found: Sequence[BurstId]) -> dict[BurstId, tuple[Decision, ...]]:
    """The newest decision about each of these bursts and every question; a burst without one is not there."""
    rows = db.query(
        "SELECT d.* FROM decisions d JOIN json_each(?) j ON d.burst = j.value ORDER BY d.decided_at",
        [json.dumps(list(found))],
    )
    made: dict[BurstId, dict[QuestionId, Decision]] = {}
    for row in rows:
        decision = _decision(row)
        made.setdefault(decision.burst, {})[decision.question] = decision
    return {burst: tuple(by_question.values()) for burst, by_question in made.items()}


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
        unsure=bool(row["unsure"]),
        mode=None if row["mode"] is None else Mode(row["mode"]),
    )


def count_routes(db: Database, since: datetime | None = None) -> dict[str, int]:
    """Bursts by route, all or since a moment."""
    after = 0.0 if since is None else to_seconds(since)
    rows = db.query("SELECT route, count(*) AS n FROM routes WHERE routed_at >= ? GROUP BY route", [after])
    return {row["route"]: row["n"] for row in rows}


def doubts(db: Database, since: datetime, until: datetime) -> dict[str, tuple[int, int]]:
    """Bursts routed from ``since`` to before ``until`` by room, and how many were unsure, asked about or not."""
    rows = db.query(
        "SELECT b.room, count(*) AS n, "
        "sum(r.route = 'ask' OR (r.reason LIKE '%unsure:%' AND r.reason NOT LIKE 'sure:%')) AS unsure "
        "FROM routes r JOIN bursts b ON b.id = r.burst WHERE r.routed_at >= ? AND r.routed_at < ? GROUP BY b.room",
        [to_seconds(since), to_seconds(until)],
    )
    return {row["room"]: (row["n"], row["unsure"]) for row in rows}


def delays(db: Database, last: int = -1) -> Delays:
    """How long bursts waited for their route; all of them, or those routed last."""
    rows = db.conn.execute(
        "SELECT r.routed_at - b.closed_at FROM routes r JOIN bursts b ON b.id = r.burst "
        "WHERE b.closed_at IS NOT NULL AND b.state = ? ORDER BY r.routed_at DESC LIMIT ?",
        [ROUTED, last],
    ).fetchall()
    seconds = sorted(max(0.0, row[0]) for row in rows)
    return Delays(bursts=len(seconds), p50_s=_ranked(seconds, 0.5), p95_s=_ranked(seconds, 0.95))


def record_reply(
    db: Database, burst: BurstId, text: str, state: str, at: datetime, said: EventId | None = None
) -> None:
    """Write down what was replied to a burst, under which id, and how it went: "sent", "failed", "held back: ..."."""
    with transaction(db):
        db.table("replies").upsert(
            {"burst": burst, "text": storable(text), "state": state, "replied_at": to_seconds(at), "said": said},
            pk="burst",
        )


def unanswered(db: Database, limit: int = -1) -> list[BurstId]:
    """Bursts that were to be replied to and have no reply written down, in order."""
    rows = db.query(
        "SELECT r.burst FROM routes r LEFT JOIN replies p ON p.burst = r.burst "
        "WHERE r.route = 'act' AND p.burst IS NULL ORDER BY r.routed_at LIMIT ?",
        [limit],
    )
    return [BurstId(row["burst"]) for row in rows]


def _ranked(values: Sequence[float], share: float) -> float | None:
    """The nearest-rank quantile of sorted values, to a tenth of a millisecond."""
    return round(values[math.ceil(share * len(values)) - 1], 4) if values else None


def _row(decision: Decision) -> tuple[object, ...]:
    return (
        decision.burst,
        decision.question,
        decision.question_version,
        decision.revision,
        json.dumps(dict(decision.probabilities)),
        decision.margin,
        decision.sure,
        decision.milliseconds,
        to_seconds(decision.decided_at),
    )


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

"""The tables as they were first made: the migrations that ``schema`` goes on from. Never changed, as those there."""

from sqlite_utils import Database, Migrations

migrations = Migrations("quandary")


@migrations()
def live(db: Database) -> None:
    """Inbox, bursts, decisions and routes."""
    db.table("events").create(
        {
            "seq": int,
            "id": str,
            "platform": str,
            "room": str,
            "thread": str,
            "sender": str,
            "kind": str,
            "text": str,
            "sent_at": float,
            "target": str,
            "reply_to": str,
            "is_bot": int,
            "burst": str,
            "handled": int,
        },
        pk="seq",
        not_null={"id", "platform", "room", "sender", "kind", "text", "sent_at", "is_bot", "handled"},
    )
    db.table("events").create_index(["id"], unique=True)
    db.table("events").create_index(["room", "seq"])
    db.table("events").create_index(["handled"])
    db.table("cursors").create({"platform": str, "cursor": str}, pk="platform")
    db.table("bursts").create(
        {
            "id": str,
            "platform": str,
            "room": str,
            "thread": str,
            "sender": str,
            "text": str,
            "window": str,
            "message_ids": str,
            "started_at": float,
            "ended_at": float,
            "state": str,
        },
        pk="id",
        not_null={"room", "sender", "text", "window", "message_ids", "started_at", "ended_at", "state"},
    )
    db.table("bursts").create_index(["state"])
    db.table("decisions").create(
        {
            "burst": str,
            "question": str,
            "question_version": str,
            "revision": str,
            "probabilities": str,
            "margin": float,
            "sure": str,
            "milliseconds": float,
            "decided_at": float,
        },
        pk=("burst", "question", "question_version", "revision"),
    )
    db.table("routes").create(
        {"burst": str, "route": str, "reason": str, "audit": int, "probability": float, "routed_at": float}, pk="burst"
    )
    db.table("replies").create({"burst": str, "text": str, "state": str, "replied_at": float}, pk="burst")


@migrations()
def asking(db: Database) -> None:
    """Requests, responses and labels."""
    db.table("requests").create(
        {
            "id": str,
            "burst": str,
            "strategy": str,
            "probability": float,
            "blind": int,
            "state": str,
            "created_at": float,
            "attempts": int,
            "next_attempt_at": float,
        },
        pk="id",
    )
    db.table("requests").create_index(["state", "next_attempt_at"])
    db.table("responses").create(
        {"request": str, "annotator": str, "answers": str, "rewrite": str, "status": str, "submitted_at": float},
        pk=("request", "annotator"),
    )
    db.table("labels").create(
        {
            "burst": str,
            "question": str,
            "question_version": str,
            "option": str,
            "responses": int,
            "audit": int,
            "labelled_at": float,
        },
        pk=("burst", "question", "question_version"),
    )


@migrations()
def learning(db: Database) -> None:
    """Datasets, runs, candidates, verdicts, promotions and the serving slot."""
    db.table("datasets").create(
        {"id": str, "path": str, "items": int, "question_versions": str, "created_at": float}, pk="id"
    )
    db.table("runs").create(
        {
            "id": str,
            "kind": str,
            "dataset": str,
            "state": str,
            "step": int,
            "steps": int,
            "loss": float,
            "message": str,
            "pid": int,
            "started_at": float,
            "updated_at": float,
        },
        pk="id",
    )
    db.table("candidates").create(
        {
            "id": str,
            "run": str,
            "dataset": str,
            "base": str,
            "adapter_path": str,
            "adapter_sha256": str,
            "gguf_path": str,
            "gguf_sha256": str,
            "question_versions": str,
            "created_at": float,
        },
        pk="id",
    )
    db.table("verdicts").create(
        {
            "candidate": str,
            "outcome": str,
            "checks": str,
            "gate_version": str,
            "picture": str,
            "judged_at": float,
        },
        pk="candidate",
    )
    db.table("promotions").create(
        {
            "seq": int,
            "candidate": str,
            "action": str,
            "by": str,
            "why": str,
            "override": int,
            "binding": str,
            "at": float,
        },
        pk="seq",
    )
    db.table("slots").create(
        {"seq": int, "candidate": str, "gguf_path": str, "gguf_sha256": str, "since": float}, pk="seq"
    )

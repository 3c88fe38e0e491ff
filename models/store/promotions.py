"""What maintainers did, and the model that serves: both only ever grow, so that history stays."""

import json
from collections.abc import Mapping
from typing import Any

from sqlite_utils import Database

from models.evidence import Action, Promotion, Slot
from models.ids import CandidateId
from models.store.database import to_seconds, to_time, transaction


def record(db: Database, promotion: Promotion, slot: Slot | None) -> None:
    """Write an act down together with the slot's new model, if it changes: all or nothing."""
    with transaction(db):
        db.table("promotions").insert(
            {
                "candidate": promotion.candidate,
                "action": promotion.action.value,
                "by": promotion.by,
                "why": promotion.why,
                "override": int(promotion.override),
                "binding": json.dumps(dict(promotion.binding)),
                "at": to_seconds(promotion.at),
            }
        )
        if slot is not None:
            db.table("slots").insert(
                {
                    "candidate": slot.candidate,
                    "gguf_path": slot.gguf_path,
                    "gguf_sha256": slot.gguf_sha256,
                    "since": to_seconds(slot.since),
                }
            )


def history(db: Database) -> list[Promotion]:
    """All acts, oldest first."""
    return [
        Promotion(
            candidate=CandidateId(row["candidate"]),
            action=Action(row["action"]),
            by=row["by"],
            why=row["why"],
            override=bool(row["override"]),
            binding=json.loads(row["binding"]),
            at=to_time(row["at"]),
        )
        for row in db.query("SELECT * FROM promotions ORDER BY seq")
    ]


def slots(db: Database) -> list[Slot]:
    """Every model that served by promotion, oldest first; the last one serves. Empty: the model of config.toml."""
    return [_slot(row) for row in db.query("SELECT * FROM slots ORDER BY seq")]


def standing(db: Database) -> list[Slot]:
    """The approvals that stand, oldest first: a rollback takes the last one away, a rejection the rejected one."""
    served = iter(slots(db))
    stack: list[Slot] = []
    for done in history(db):
        if done.action is Action.REJECT:
            stack = [slot for slot in stack if slot.candidate != done.candidate]
            continue
        slot = next(served)
        if done.action is Action.APPROVE:
            stack.append(slot)
        else:
            stack.pop()
    return stack


def current_slot(db: Database) -> Slot | None:
    """The promoted model that serves, or None for the model of config.toml."""
    row = next(iter(db.query("SELECT * FROM slots ORDER BY seq DESC LIMIT 1")), None)
    return None if row is None else _slot(row)


def _slot(row: Mapping[str, Any]) -> Slot:
    return Slot(
        candidate=None if row["candidate"] is None else CandidateId(row["candidate"]),
        gguf_path=row["gguf_path"],
        gguf_sha256=row["gguf_sha256"],
        since=to_time(row["since"]),
    )

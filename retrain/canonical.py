"""An item as canonical JSON, its hash, and the Merkle root over many: what makes a dataset verifiable.

Each item is a leaf of its own, so that an erased item may leave only its hash behind (a tombstone): the root, and with
it every verdict that names the dataset, stays checkable without the text.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from models.chat import Burst, WindowMessage
from models.ids import BurstId, EventId, MemberId, OptionId, QuestionId, RoomId
from models.item import Item


def canonical(body: Mapping[str, Any]) -> str:
    """Write JSON in the one form that is hashed: sorted keys, no spaces, ASCII (a lone surrogate stays an escape)."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def leaf(line: str) -> str:
    """Hash of one canonical line, 64 hex digits; the prefix keeps leaves apart from inner nodes."""
    return hashlib.sha256(b"\x00" + line.encode("ascii")).hexdigest()


def merkle_root(leaves: Sequence[str]) -> str:
    """Root (64 hex digits) over leaf hashes in their order; a node without a neighbour moves up unchanged."""
    if not leaves:
        return hashlib.sha256(b"").hexdigest()
    level = [bytes.fromhex(node) for node in leaves]
    while len(level) > 1:
        pairs = [hashlib.sha256(b"\x01" + a + b).digest() for a, b in zip(level[::2], level[1::2], strict=False)]
        level = pairs + level[2 * len(pairs) :]
    return level[0].hex()


def item_body(item: Item) -> dict[str, Any]:
    """An item as plain JSON values."""
    burst = item.burst
    return {
        "burst": {
            "id": burst.id,
            "platform": burst.platform,
            "room": burst.room,
            "thread": burst.thread,
            "sender": burst.sender,
            "text": burst.text,
            "window": [{"sender": m.sender, "text": m.text} for m in burst.window],
            "message_ids": list(burst.message_ids),
            "started_at": burst.started_at.isoformat(),
            "ended_at": burst.ended_at.isoformat(),
        },
        "answers": dict(item.answers),
        "conversation": item.conversation,
        "weight": item.weight,
        "audit": item.audit,
    } | ({} if item.trainable else {"trainable": False})  # left out where it holds, so that older hashes stay


def item_of(body: Mapping[str, Any]) -> Item:
    """The inverse of ``item_body``; raises KeyError, TypeError or ValueError where the values are not an item's."""
    burst = body["burst"]
    return Item(
        burst=Burst(
            id=BurstId(burst["id"]),
            platform=burst["platform"],
            room=RoomId(burst["room"]),
            thread=burst["thread"],
            sender=MemberId(burst["sender"]),
            text=burst["text"],
            window=tuple(WindowMessage(sender=m["sender"], text=m["text"]) for m in burst["window"]),
            message_ids=tuple(EventId(i) for i in burst["message_ids"]),
            started_at=datetime.fromisoformat(burst["started_at"]),
            ended_at=datetime.fromisoformat(burst["ended_at"]),
        ),
        answers={QuestionId(q): OptionId(o) for q, o in body["answers"].items()},
        conversation=body["conversation"],
        weight=float(body["weight"]),
        audit=bool(body["audit"]),
        trainable=bool(body.get("trainable", True)),
    )

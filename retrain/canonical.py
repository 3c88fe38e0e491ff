"""An item as canonical JSON, the line whose hash stands for it in a dataset (``models.merkle``).

Each item is a leaf of its own, so that an erased item may leave only its hash behind (a tombstone): the root, and with
it every verdict that names the dataset, stays checkable without the text.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from models.chat import Burst, WindowMessage
from models.ids import BurstId, EventId, MemberId, OptionId, QuestionId, RoomId
from models.item import Item


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

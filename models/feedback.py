"""What members let the bot know without words, or by taking a reply back: weak feedback, never a label."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from models.ids import BurstId, EventId, MemberId, RoomId

_DECORATION = {0xFE0E: None, 0xFE0F: None, **dict.fromkeys(range(0x1F3FB, 0x1F400))}
"""Variation selectors and skin tones, which platforms add to emoji or leave out."""


class FeedbackKind(StrEnum):
    """What a member did: had a reply taken back, or reacted to something."""

    RECALL = "recall"
    REACTION = "reaction"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a reaction or an order is about: a burst, or (``said``) the bot's reply to it.

    ``asker`` sent the burst; ``at`` is when it ended, or when the reply was given.
    """

    burst: BurstId
    room: RoomId
    asker: MemberId
    at: datetime
    said: EventId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """One piece of feedback. ``event`` is the reaction or the order; ``key`` the reaction's emoji, bare, or empty."""

    event: EventId
    subject: Subject
    member: MemberId
    kind: FeedbackKind
    key: str
    at: datetime


def bare(key: str) -> str:
    """A reaction's key without what platforms add to it, so that one emoji is one key."""
    return key.translate(_DECORATION).strip()

"""Rounds of revision: a question's words before and after, who changed them, and what ladders and labels made of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from models.ids import CandidateId, QuestionId
from models.wording import Wording


@dataclass(frozen=True, slots=True, kw_only=True)
class RungReading:
    """One rung under one wording: macro-F1, and the label's mean log-probability (nats, best temperature)."""

    arm: str
    """``vanilla`` or ``tuned``."""
    rung: str
    parameters: int
    items: int
    macro_f1: float
    gold: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One adopted wording of one question.

    ``labels`` stood under the old words when it was adopted. ``tried`` is what was measured side by side beforehand,
    ``before`` the last cycle's ladder under the old words and ``after`` the first one's under the new; None where there
    was none. ``back`` tells that it took an earlier round back.
    """

    question: QuestionId
    round: int
    old: Wording
    new: Wording
    old_version: str
    new_version: str
    back: bool
    by: str
    why: str
    at: datetime
    labels: int
    tried: Mapping[str, object] | None = None
    before: tuple[RungReading, ...] | None = None
    after: tuple[RungReading, ...] | None = None
    after_candidate: CandidateId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Relabelled:
    """Bursts that have labels in both words of a round, and how many of these differ."""

    both: int
    changed: int

    @property
    def share(self) -> float | None:
        """Share of labels changed, 0..1; None before any was asked again."""
        return self.changed / self.both if self.both else None

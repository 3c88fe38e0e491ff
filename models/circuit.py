"""When to stop asking something that fails, and when to try it again. Pure; the caller brings the clock.

Drawn as its states:

closed --open_after failures in a row--> open --after its rest--> half-open --success--> closed
                                           ^------------failure----'   (the rest doubles, up to an hour)
"""

from dataclasses import dataclass, replace
from enum import StrEnum

LONGEST_REST_S = 3600.0


class State(StrEnum):
    """Closed: ask. Open: do not. Half-open: ask once, to see whether it works again."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Circuit:
    """One thing's record. Times are seconds of one clock that never runs backwards.

    ``failures`` counts those in a row while closed; ``opened_at`` is when it last opened, None while closed;
    ``trips`` counts how often it opened without having closed in between.
    """

    open_after: int
    rest_s: float
    failures: int = 0
    opened_at: float | None = None
    trips: int = 0

    def rest(self) -> float:
        """Seconds from opening to the next trial: ``rest_s`` at first, doubled after each trial that failed."""
        doubled: float = self.rest_s * 2 ** min(max(self.trips - 1, 0), 32)
        return max(self.rest_s, min(doubled, LONGEST_REST_S))

    def state(self, now: float) -> State:
        """Where it stands at a time."""
        if self.opened_at is None:
            return State.CLOSED
        return State.HALF_OPEN if now >= self.opened_at + self.rest() else State.OPEN

    def succeeded(self) -> "Circuit":
        """After a success: closed, and all is forgotten."""
        return replace(self, failures=0, opened_at=None, trips=0)

    def failed(self, now: float) -> "Circuit":
        """After a failure: one more towards opening, or open again."""
        failures = self.failures + 1
        if self.opened_at is None and failures < self.open_after:
            return replace(self, failures=failures)
        return replace(self, failures=failures, opened_at=now, trips=self.trips + 1)

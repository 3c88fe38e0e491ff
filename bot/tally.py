"""What a pipeline has done since it started."""

from dataclasses import dataclass

from models.decision import Route
from models.store.decisions import Routed


@dataclass(slots=True, kw_only=True)
class Tally:
    """Counts, all of them of durable things."""

    messages: int = 0
    bursts: int = 0
    decisions: int = 0
    requested: int = 0
    audited: int = 0
    acted: int = 0
    asked: int = 0
    passed: int = 0
    unsure: int = 0
    """Worth asking about, audited or not."""
    picked: int = 0
    """Of the unsure, picked from the pool within the day's budget; audited ones do not count."""

    @property
    def routed(self) -> int:
        """Bursts that have a route."""
        return self.acted + self.asked + self.passed

    def count(self, routed: Routed) -> None:
        """Count a burst's decisions and its route."""
        routing = routed.routing
        self.decisions += len(routed.decisions)
        self.requested += routed.request is not None
        self.audited += routing.audit
        self.acted += routing.route is Route.ACT
        self.asked += routing.route is Route.ASK
        self.passed += routing.route is Route.PASS
        self.unsure += routing.unsure

    def top_up(self, requests: int) -> None:
        """Count requests that were picked from the pool."""
        self.picked += requests
        self.requested += requests

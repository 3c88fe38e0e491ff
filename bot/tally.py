"""What a pipeline has done since it started."""

from dataclasses import dataclass

from bot.routing import OVER_BUDGET
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
    over_budget: int = 0
    """Passed only because the day's budget was spent."""

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
        self.over_budget += routing.reason.startswith(OVER_BUDGET)

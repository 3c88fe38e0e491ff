"""Whether recent labels still change decisions: successive models are compared where neither has learned.

The rule (after Bloodgood & Vijay-Shanker 2009, who stop on stable predictions): a training reads held-out bursts with
the champion and with the new model. A question is settled if the exact one-sided upper bound (Clopper-Pearson, 95 %) of
the share of bursts that the two decide differently is at most SETTLED_AT; all is settled if every question with such
bursts is. 59 bursts without a single change are the least that can show it. The bound takes bursts for independent,
which those of one conversation are not quite; and a new model differs a little from the old one by chance of training
alone, which errs on the side of asking.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from models.evidence import Check

SETTLED_AT = 0.05
CONFIDENCE = 0.95
_HALVINGS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Of ``bursts`` held-out ones, how many the new model decides otherwise than the old one, for one question."""

    changed: int
    bursts: int

    @property
    def at_most(self) -> float:
        """Upper bound of the share that changed."""
        return upper_share(self.changed, self.bursts, CONFIDENCE)


def changes(checks: Sequence[Check]) -> dict[str, Changes]:
    """What a verdict's checks say about changes, by the check's name: those of challenger against champion do."""
    return {
        check.name: Changes(changed=round(check.figures["changed"]), bursts=round(check.figures["labels"]))
        for check in checks
        if "changed" in check.figures
    }


def reduced(budget: int, share: float) -> int:
    """The budget that is left once labels no longer change decisions; never nothing, or it would never be noticed."""
    return min(budget, max(1, math.ceil(budget * share)))


def settled(changes: Mapping[str, Changes]) -> bool:
    """Tell whether recent labels no longer change decisions; without any evidence they are taken to."""
    seen = [found for found in changes.values() if found.bursts]
    return bool(seen) and all(found.at_most <= SETTLED_AT for found in seen)


def upper_share(count: int, of: int, confidence: float) -> float:
    """Exact one-sided upper bound of a share, seen ``count`` times: the p with P(X <= count) = 1 - confidence."""
    if count >= of:
        return 1.0
    low, high = count / of, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _at_most(count, of, middle) > 1 - confidence else (low, middle)
    return high


def _at_most(count: int, of: int, share: float) -> float:
    """P(X <= count) for a binomial X."""
    if share >= 1.0:
        return 0.0
    if share <= 0.0:
        return 1.0
    log_p, log_q = math.log(share), math.log1p(-share)
    ways = (math.lgamma(of + 1) - math.lgamma(k + 1) - math.lgamma(of - k + 1) for k in range(count + 1))
    return math.fsum(math.exp(w + k * log_p + (of - k) * log_q) for k, w in enumerate(ways))

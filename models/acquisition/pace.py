"""How many requests the day's budget allows by now."""

import math
from datetime import datetime

_TINY = 1e-9
HEAD_START = 0.1
"""Share of the day's budget that may be spent at its very beginning: somebody who just started need not wait."""


def day_of(now: datetime) -> datetime:
    """When the day of a moment began, by that moment's own zone (UTC in the bot)."""
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def allowance(budget: int, spent: int, now: datetime, *, paced: bool) -> int:
    """How many more may be asked about now, of ``budget`` a day with ``spent`` made today.

    Paced, the budget becomes available evenly over the day after a head start, so that a busy morning does not leave
    the evening without questions; what was not spent stays available until midnight.
    """
    if not paced:
        return max(0, budget - spent)
    share = HEAD_START + (1 - HEAD_START) * (now - day_of(now)).total_seconds() / 86_400
    return max(0, min(budget, math.ceil(budget * share - _TINY)) - spent)

"""Second looks at suspect labels, within the day's share of the budget: by command, or as the gate proposes them."""

import random
from datetime import datetime

from labeling.reviewing import Sent, send
from models.consent import Modes
from models.settings import Settings
from models.step import Move
from models.store import steps, suspects
from models.store.database import Database


def share_of(settings: Settings) -> int:
    """Second looks a day, controls counted."""
    return int(settings.ask.daily_budget * settings.ask.review_share)


def sent_today(db: Database, now: datetime) -> int:
    """Second looks sent on this day (UTC), controls counted."""
    return suspects.sent_since(db, now.replace(hour=0, minute=0, second=0, microsecond=0))


def send_looks(db: Database, settings: Settings, modes: Modes, now: datetime, most: int | None = None) -> Sent | None:
    """Send ``most`` second looks, or what is left of the day's share; None where too little is left for one."""
    budget = most or share_of(settings) - sent_today(db, now)
    if budget < 2:  # a suspect and its control
        return None
    rng = random.Random(f"{settings.ask.seed} {len(suspects.reviews(db))}")  # noqa: S311 - a fair draw, no secret
    return send(db, settings.questions, budget, rng, now, lambda *room: modes.of(*room).mode)


def send_proposed(db: Database, settings: Settings, modes: Modes, now: datetime) -> Sent | None:
    """Send second looks where the gate proposes them and config.toml lets them go out by themselves."""
    step = steps.current(db) if settings.ask.send_suspects else None
    if step is None or step.move is not Move.SUSPECTS:
        return None
    return send_looks(db, settings, modes, now)

"""Whom the bot asks, how often, and when it does so by itself."""

from typing import Annotated

from pydantic import Field

from models.settings.table import Count, Seconds, Share, Table


class AskSettings(Table):
    """How many bursts people are asked about."""

    daily_budget: Annotated[int, Field(ge=0)] = 100
    audit_share: Share = 0.05
    audit_block_minutes: Count = 30
    suggestions: bool = True
    seed: int = 0


class ArgillaSettings(Table):
    """The labelling server: one that runs (url, api_key_env), or the embedded one (port)."""

    url: str | None = None
    api_key_env: str | None = None
    port: Annotated[int, Field(ge=0, le=65535)] = 6900
    overlap: Count = 1
    overlap_share: Share = 1.0


class ScheduleSettings(Table):
    """What happens by itself, and when."""

    pull_s: Seconds = 30.0
    top_up_s: Seconds = 15.0
    retrain_at: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] = "03:00"
    retrain_after_labels: Count = 200
    retention_days: Count = 90

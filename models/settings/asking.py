"""Whom the bot asks, how often, and when it does so by itself."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from models.settings.table import Count, Seconds, Share, Table


def _root(url: str) -> str:
    """Accept the root of a server, and leave out the slash at its end."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("this is no http or https address; write it as https://argilla.example.org")
    if parts.username is not None or parts.password is not None:
        raise ValueError("a login does not belong in an address; name an environment variable in api_key_env")
    if parts.query or parts.fragment:
        raise ValueError("an address with ? or # is that of a page; give the root of the server")
    return url.rstrip("/")


class AskSettings(Table):
    """How many bursts people are asked about."""

    daily_budget: Annotated[int, Field(ge=0)] = 100
    audit_share: Share = 0.05
    audit_block_minutes: Count = 30
    suggestions: bool = True
    seed: int = 0


class ArgillaSettings(Table):
    """The labelling server: one that runs (url, api_key_env), or the embedded one (port)."""

    url: Annotated[str, AfterValidator(_root)] | None = None
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

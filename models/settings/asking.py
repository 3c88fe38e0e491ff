"""Whom the bot asks, how often, and when it does so by itself."""

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

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
    """How many bursts people are asked about, and which.

    ``paced`` spreads the day's budget over the day; below ``cold_start`` labels novelty decides instead of
    ``strategy``; ``skip_alike`` asks about near-duplicates once; an unsure burst may be asked about for ``pool_hours``;
    ``settled_share`` of the budget is left while labels no longer change decisions. ``committee`` names models that are
    read beside the deciding one, for the strategy of that name. ``language`` is that of the form's headings and of what
    annotators are told of their work's effect.
    """

    daily_budget: Annotated[int, Field(ge=0)] = 100
    paced: bool = True
    strategy: Literal["margin", "entropy", "committee", "diversity", "mixed", "random"] = "margin"
    committee: tuple[str, ...] = ()
    cold_start: Annotated[int, Field(ge=0)] = 50
    skip_alike: bool = True
    pool_hours: Annotated[float, Field(gt=0, le=24 * 30, allow_inf_nan=False)] = 24.0
    settled_share: Share = 0.25
    renew_share: Share = 0.2
    audit_share: Share = 0.05
    audit_block_minutes: Count = 30
    review_share: Share = 0.1
    send_suspects: bool = True
    language: Literal["en", "zh"] = "en"
    suggestions: bool = True
    seed: int = 0

    @model_validator(mode="after")
    def _has_members(self) -> Self:
        if self.strategy == "committee" and not self.committee:
            raise ValueError(
                'the strategy "committee" needs models to compare: ask.committee = ["starter-base-xs", ...]'
            )
        return self


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

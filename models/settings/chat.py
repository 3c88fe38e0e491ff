"""Where messages come from, and how they are joined."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from models.settings.table import Count, Table

UpToADay = Annotated[float, Field(gt=0.0, le=86_400.0)]
"""Seconds."""


class ChatSettings(Table):
    """Where messages come from."""

    adapter: Literal["console", "replay", "matrix", "telegram", "lark", "webhook"] = "console"
    path: Path | None = None
    speed: Annotated[float, Field(ge=0.0)] = 0.0


class BurstSettings(Table):
    """When a member's messages are one burst."""

    gap_s: UpToADay = 12.0
    max_age_s: UpToADay = 120.0
    max_messages: Count = 20
    max_chars: Count = 4000
    window: Annotated[int, Field(ge=0, le=12)] = 12

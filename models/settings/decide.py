"""What decides, and what it may use."""

from typing import Annotated

from pydantic import Field

from models.settings.table import Count, Table


class DecideSettings(Table):
    """Which model decides, and what it may use."""

    model: str = "starter"
    threads: Count = 2
    max_prompt_tokens: Annotated[int, Field(ge=160, le=8192)] = 420

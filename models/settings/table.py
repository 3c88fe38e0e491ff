"""What all tables of config.toml have in common."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Seconds = Annotated[float, Field(gt=0.0)]
Count = Annotated[int, Field(ge=1)]
Port = Annotated[int, Field(ge=0, le=65535)]
"""Of a server that listens here; 0 takes a free one."""


class Table(BaseModel):
    """A table of config.toml: frozen, and unknown keys are faults."""

    model_config = ConfigDict(frozen=True, extra="forbid")

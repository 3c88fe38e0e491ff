"""[matrix]: which account the bot has, and who may invite it."""

from typing import Annotated

from pydantic import Field

from models.settings.table import Table


class MatrixSettings(Table):
    """An account on a homeserver. Both may be left out where the chat is another."""

    homeserver: Annotated[str, Field(pattern=r"^(https?://[^\s/]+)?/?$")] = ""
    user: Annotated[str, Field(pattern=r"^(@[^:\s]+:\S+)?$")] = ""
    token_env: Annotated[str, Field(min_length=1)] = "QUANDARY_MATRIX_TOKEN"  # noqa: S105 - the name of a variable
    allowed_servers: tuple[str, ...] | None = None

    @property
    def servers(self) -> tuple[str, ...]:
        """Whose members may invite the bot: by default those of its own server; "*" stands for all."""
        return (self.user.partition(":")[2],) if self.allowed_servers is None else self.allowed_servers

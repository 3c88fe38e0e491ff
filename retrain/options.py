"""Options that the commands of the learning side share."""

from collections.abc import Callable
from pathlib import Path

import click
from click.decorators import FC

CONFIG = click.option(
    "--config", type=click.Path(path_type=Path), default=Path("config.toml"), show_default=True, help="Settings file."
)
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print figures as JSON.")


def kept_in(folder: str, told: str) -> Callable[[FC], FC]:
    """Where a benchmark keeps what it made, in ``folder`` unless told otherwise."""
    place = click.Path(path_type=Path)
    return click.option("--work", type=place, default=Path(folder), show_default=True, help=told)

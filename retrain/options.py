"""Options that the commands of the learning side share."""

from pathlib import Path

import click

CONFIG = click.option(
    "--config", type=click.Path(path_type=Path), default=Path("config.toml"), show_default=True, help="Settings file."
)
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print figures as JSON.")

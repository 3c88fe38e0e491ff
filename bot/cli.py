"""The console script ``quandary``: its options, its commands, and how errors end it."""

import sys
from pathlib import Path

import click

from bot.commands import COMMANDS
from bot.logs import set_up_logs
from models.errors import QuandaryError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="quandary")
@click.option(
    "--config", type=click.Path(path_type=Path), default=Path("config.toml"), show_default=True, help="Settings file."
)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    help="How much to log, on standard error.  [default: info for up, else warning]",
)
@click.pass_context
def cli(context: click.Context, config: Path, log_level: str | None) -> None:
    """A group-chat bot that knows when it does not know."""
    context.obj = config
    set_up_logs(log_level or ("info" if context.invoked_subcommand == "up" else "warning"))


for command in COMMANDS:
    cli.add_command(command)


def main() -> None:
    """Run the command line; what Quandary can explain ends it with one sentence and that error's exit status."""
    try:
        cli(prog_name="quandary")
    except QuandaryError as error:
        _end(error)
    except BaseExceptionGroup as group:
        explained, rest = group.split(QuandaryError)
        if explained is None or rest is not None:
            raise
        first: BaseException = explained
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        _end(first)


def _end(error: BaseException) -> None:
    click.echo(f"quandary: {error}", err=True)
    sys.exit(error.exit_code if isinstance(error, QuandaryError) else 1)

"""The learning side's command line: ``python -m retrain``; ``quandary`` hands the same commands on."""

import importlib
import os
import signal
import sys
from collections.abc import Mapping

import click

from models.errors import QuandaryError
from models.program import CALLED_AS

COMMANDS: Mapping[str, str] = {
    "bench": "retrain.bench.commands",
    "calibrate": "retrain.learning_commands",
    "cycle": "retrain.learning_commands",
    "dataset": "retrain.dataset_command",
    "export": "retrain.export.command",
    "gate": "retrain.gate_command",
    "ladder": "retrain.learning_commands",
    "reliability": "retrain.bench.commands",
    "revise": "retrain.revision.command",
    "scaling": "retrain.scaling.command",
    "starter": "retrain.learning_commands",
    "sweep": "retrain.sweep.command",
    "train": "retrain.learning_commands",
    "verdict": "retrain.verdict_command",
}
"""Each command and the module that holds it under the same name.

It is imported when the command is called: torch takes seconds, and many commands need none of it.
"""


class Commands(click.Group):
    """The commands of ``COMMANDS``."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """All names, in the order of the alphabet."""
        return sorted(COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None where there is none of this name."""
        if cmd_name not in COMMANDS:
            return None
        found: click.Command = getattr(importlib.import_module(COMMANDS[cmd_name]), cmd_name)
        return found


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Learn from labels: freeze, train, export, calibrate, judge."""


def main() -> None:
    """Run the command line; what Quandary can explain ends it with one sentence and that error's exit status.

    A SIGTERM (the bot stops) ends a run in order: its row says so, and the next run goes on where it was.
    """
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    called = os.environ.get(CALLED_AS)
    try:
        cli(prog_name=called or "python -m retrain")
    except QuandaryError as error:
        click.echo(f"{'quandary' if called else 'retrain'}: {error}", err=True)
        sys.exit(error.exit_code)

"""``quandary bench``: measurements, side by side in one run; each prints a table, or figures with --json."""

import click

BENCHES: tuple[click.Command, ...] = ()
"""One a file in ``bot/bench``; those that need torch are handed on to ``python -m retrain bench``."""


@click.group()
def bench() -> None:
    """Measure speed and quality on this host."""


for measure in BENCHES:
    bench.add_command(measure)

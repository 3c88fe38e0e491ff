"""The ladder on a terminal: a table a question, and what was noticed about single rungs."""

from collections.abc import Sequence

import click
from rich.console import Console
from rich.table import Table

from retrain.picture import Panel, short_count
from retrain.trend import RungScore


def show_ladder(drawn: Sequence[Panel]) -> None:
    """Print every rung, vanilla and tuned; a rung that nothing trains has a dash for the latter."""
    for panel in drawn:
        table = Table(title=f"{panel.question}: the ladder (vanilla / tuned)")
        for column in ("rung", "size", "labels", "F1", "macro-F1", "log p"):
            table.add_column(column, justify="left" if column == "rung" else "right", no_wrap=True)
        tuned = {rung.rung: rung for rung in panel.tuned}
        for old in panel.vanilla:
            figures = (_pair(old, tuned.get(old.rung), figure) for figure in ("f1", "macro_f1", "gold"))
            table.add_row(old.rung, short_count(old.parameters), str(old.items), *figures)
        Console(markup=False, emoji=False).print(table)
        for setback in panel.setbacks:
            click.echo(setback.told)


def _pair(old: RungScore, new: RungScore | None, figure: str) -> str:
    tuned = "-" if new is None else f"{getattr(new, figure):.2f}"
    return f"{getattr(old, figure):.2f} / {tuned}"

"""What the demo shows: phases with their time budgets, and the table before and after."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

ROWS = (
    ("macro_f1", "macro-F1"),
    ("f1", "F1"),
    ("precision", "precision"),
    ("recall", "recall"),
    ("ask_rate", "ask rate"),
    ("ece", "calibration error (ECE)"),
    ("ms_per_item", "milliseconds a burst"),
)
Figures = Mapping[str, float | None]


class Screen:
    """A console, and how long each phase took: ``phases`` maps titles to (seconds, budget in seconds)."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.phases: dict[str, tuple[float, float]] = {}

    @contextmanager
    def phase(self, title: str, budget_s: float) -> Iterator[None]:
        """Announce a phase with its time budget, and how long it took."""
        number = len(self.phases) + 1
        self.console.print(f"\n[bold]{number}. {title}[/bold] [dim](budget {budget_s:.0f} s)[/dim]")
        began = time.monotonic()
        yield
        spent = time.monotonic() - began
        self.phases[title] = (spent, budget_s)
        late = " [yellow](over budget)[/yellow]" if spent > budget_s else ""
        self.console.print(f"   [dim]{spent:.1f} s[/dim]{late}")

    def say(self, text: str) -> None:
        """Print a line that belongs to the phase."""
        self.console.print(f"   {text}")

    @contextmanager
    def bar(self, total: int) -> Iterator[Progress]:
        """Show a progress bar with one task of so many steps."""
        columns = (TextColumn("  "), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self.console, transient=True) as progress:
            progress.add_task("", total=total)
            yield progress

    def compare(self, title: str, before: Figures, after: Figures) -> None:
        """Print the figures of one question before and after."""
        table = Table(title=title)
        for head in ("", "before", "after"):
            table.add_column(head, justify="left" if not head else "right")
        for key, name in ROWS:
            table.add_row(name, _figure(before.get(key)), _figure(after.get(key)))
        self.console.print(table)


def _figure(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.1f}" if value >= 2 else f"{value:.3f}"

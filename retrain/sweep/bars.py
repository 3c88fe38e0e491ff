"""How a sweep tells where it stands: bars on a terminal, else a line for every run that ended."""

import sys
from collections.abc import Mapping, Sequence
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from retrain.sweep.costs import costs, left_s, told_time
from retrain.sweep.run import Bench, Result
from retrain.sweep.setting import Run


class Bars:
    """A bar for all runs with the time that is left, and one for each run at work. A context manager."""

    def __init__(
        self, left: Sequence[Run], found: Mapping[Run, Result], bench: Bench, keys: Mapping[Run, str], jobs: int
    ) -> None:
        self.found = dict(found)
        self._left = list(left)
        self._count = len(left)
        self._bench = bench
        self._keys = keys
        self._jobs = jobs
        self._console = Console(file=sys.stderr, highlight=False)
        columns = (TextColumn("{task.description}"), BarColumn(24), TextColumn("{task.completed:.0f}/{task.total:.0f}"))
        self._bars = Progress(*columns, console=self._console, disable=not self._console.is_terminal)
        self._whole = self._bars.add_task("", total=max(1, self._count))
        self._tasks: dict[Run, TaskID] = {}

    def __enter__(self) -> Self:
        """Show the bars."""
        self._bars.start()
        self._tell()
        return self

    def __exit__(self, *_: object) -> None:
        """Take them away."""
        self._bars.stop()

    def began(self, run: Run) -> None:
        """Give a run a bar."""
        self._tasks[run] = self._bars.add_task(escape(str(run)), total=1)

    def step(self, run: Run, done: int, total: int, loss: float | None) -> None:
        """Move a run's bar."""
        told = "reading" if loss is None else f"loss {loss:.3f}"
        self._bars.update(self._tasks[run], completed=done, total=total, description=escape(f"{run}: {told}"))

    def ended(self, run: Run, seconds: float, reason: str | None) -> None:
        """Take a run's bar away, and say how it ended."""
        self._bars.remove_task(self._tasks.pop(run))
        self._left.remove(run)
        result = self._bench.found(self._keys[run])
        if result is not None:
            self.found[run] = result
        said = f"{told_time(seconds)}" if reason is None else f"failed: {reason}"
        self._tell()
        place = f"{self._count - len(self._left)}/{self._count}"
        self._console.print(escape(f"{place} {run}: {said}; {self._time_left()}"), soft_wrap=True)

    def _tell(self) -> None:
        done = self._count - len(self._left)
        self._bars.update(self._whole, completed=done, description=f"all runs, {self._time_left()}")

    def _time_left(self) -> str:
        rows = self._bench.rows
        known = costs(self.found.values())
        left = left_s(self._left, known, train=len(rows.train), test=len(rows.test), jobs=self._jobs)
        return f"{told_time(left)} left"

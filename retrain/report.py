"""How a run tells where it stands: a row in the store for the bot, a bar on the terminal for whoever watches."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from models.errors import QuandaryError, StoreError
from models.ids import DatasetId, RunId
from models.store import learning
from models.store.database import Database
from models.store.learning import Run
from retrain.stage import Advance

ROW_EVERY_S = 1.0


def bars(*, quiet: bool) -> Callable[[str], AbstractContextManager[Advance]]:
    """Stages that are shown and not written down, for what is no run: nothing is learned from it."""
    console = Console(file=sys.stderr, highlight=False)
    return lambda title: _bar(console, title, quiet=quiet)


class RunReport:
    """One run's row and bars. Use as a context manager: the row ends as done, or as failed with the reason."""

    def __init__(
        self,
        db: Database,
        kind: str,
        *,
        quiet: bool = False,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        began = now()
        self._db = db
        self._now = now
        self._written = 0.0
        self._quiet = quiet
        self._console = Console(file=sys.stderr, highlight=False)
        self.row = Run(
            id=RunId(f"{began:%Y%m%dT%H%M%S}-{os.getpid()}"),
            kind=kind,
            dataset=None,
            state="running",
            step=0,
            steps=0,
            loss=None,
            message="",
            pid=os.getpid(),
            started_at=began,
            updated_at=began,
        )

    def __enter__(self) -> Self:
        """Write the row down for the first time."""
        self._write(message="starting")
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        """Write down how the run ended; an error goes on to the caller."""
        if error is None:
            self._write(state="done")
            return
        with suppress(StoreError):  # a full disk may be why the run failed; the first error is the one to tell
            explained = isinstance(error, QuandaryError)
            self._write(state="failed", message=str(error) if explained else f"stopped by {type(error).__name__}")

    def frozen(self, dataset: DatasetId) -> None:
        """Note which dataset the run learns from."""
        self.row = replace(self.row, dataset=dataset)

    def say(self, message: str) -> None:
        """Put one line on the terminal and into the row."""
        self._write(message=message)
        if not self._quiet:
            self._console.print(escape(message))

    @contextmanager
    def stage(self, title: str) -> Iterator[Advance]:
        """Show a stage; what is yielded is told steps done, steps in all, and the loss where there is one."""
        self._write(step=0, steps=0, loss=None, message=title)
        with _bar(self._console, title, quiet=self._quiet) as show:

            def advance(done: int, total: int, loss: float | None = None) -> None:
                show(done, total, loss)
                self._write(step=done, steps=total, loss=loss, message=title, soon=done < total)

            yield advance

    def _write(
        self,
        *,
        state: str | None = None,
        step: int | None = None,
        steps: int | None = None,
        loss: float | None = None,
        message: str | None = None,
        soon: bool = False,
    ) -> None:
        """Write the row; one that will be followed ``soon`` by another waits its turn."""
        kept = self.row
        self.row = replace(
            kept,
            state=kept.state if state is None else state,
            step=kept.step if step is None else step,
            steps=kept.steps if steps is None else steps,
            loss=loss if step is not None else kept.loss,
            message=kept.message if message is None else message,
            updated_at=self._now(),
        )
        if not soon or time.monotonic() - self._written >= ROW_EVERY_S:
            learning.put_run(self._db, self.row)
            self._written = time.monotonic()


@contextmanager
def _bar(console: Console, title: str, *, quiet: bool) -> Iterator[Advance]:
    """One stage's bar on a terminal, else one line at its end."""
    began = time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(24), MofNCompleteColumn(), TimeElapsedColumn())
    terminal = console.is_terminal and not quiet
    with Progress(*columns, console=console, disable=not terminal) as shown:
        bar = shown.add_task(escape(title), total=None)

        def advance(done: int, total: int, loss: float | None = None) -> None:
            told = title if loss is None else f"{title}, loss {loss:.3f}"
            shown.update(bar, completed=done, total=total, description=escape(told))

        yield advance
        shown.update(bar, total=1, completed=1) if shown.tasks[0].total is None else None
    if not terminal and not quiet:
        console.print(escape(f"{title}: {time.monotonic() - began:.1f} s"))

"""Stages of a run, and those of one that has no bar: said once as they begin, or not at all."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import click

Advance = Callable[[int, int, float | None], None]
"""Told steps done, steps in all, and the loss where there is one."""
Stage = Callable[[str], AbstractContextManager[Advance]]
"""Opens a named stage of a run."""
Say = Callable[[str], None]
"""Told how far a run is, in a sentence."""


def say(text: str) -> None:
    """Tell on standard error how far a run is, beside what is printed at the end."""
    click.echo(text, err=True)


def told(to: Say) -> Stage:
    """Stages whose names are said."""

    @contextmanager
    def stage(name: str) -> Iterator[Advance]:
        to(name)
        yield lambda _done, _total, _loss: None

    return stage


silent: Stage = told(lambda _: None)
"""Stages that nobody hears of."""

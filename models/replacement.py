"""Putting a file or a folder in place whole or not at all: it is written aside, then renamed."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give the path of a file that becomes ``path`` when all went well, and is removed where it did not.

    What stood at ``path`` stays until then. Raises what the writing raises, and OSError where it cannot be renamed.
    """
    aside = path.with_name(f"{path.name}.tmp")
    try:
        yield aside
        aside.replace(path)
    finally:
        with suppress(OSError):  # renamed by now, or never begun
            aside.unlink()


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """The same for a folder: give an empty one; what stood at ``path`` goes only when the new one is in its place."""
    aside, old = (path.with_name(f"{path.name}.{word}") for word in ("tmp", "old"))
    try:
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        yield aside
        if path.exists():
            shutil.rmtree(old, ignore_errors=True)
            path.replace(old)
        aside.replace(path)
    finally:
        if old.exists() and not path.exists():
            old.replace(path)
        shutil.rmtree(aside, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)

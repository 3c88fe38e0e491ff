"""Writing a folder whole or not at all: filled aside, then renamed."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from models.errors import ExportError, InputError


@contextmanager
def filled(target: Path, *, force: bool) -> Iterator[Path]:
    """Give an empty folder that becomes ``target`` when all went well; what stood there goes only then.

    Raises InputError where something stands there and ``force`` is off, ExportError where it cannot be written.
    """
    if target.exists() and not force:
        raise InputError(f"{target} exists; name another target, or replace it with --force")
    aside, old = (target.with_name(f"{target.name}.{word}") for word in ("aside", "old"))
    try:
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        yield aside
        if target.exists():
            shutil.rmtree(old, ignore_errors=True)
            target.replace(old)
        aside.replace(target)
    except (OSError, SafetensorError) as error:
        if old.exists() and not target.exists():
            old.replace(target)
        raise ExportError(f"could not write {target}: {error}; what stood there before still does") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)

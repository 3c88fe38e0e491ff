"""Writing a folder whole or not at all: filled aside, then renamed."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from models.errors import ExportError, InputError
from models.replacement import replacing_folder


@contextmanager
def filled(target: Path, *, force: bool) -> Iterator[Path]:
    """Give an empty folder that becomes ``target`` when all went well; what stood there goes only then.

    Raises InputError where something stands there and ``force`` is off, ExportError where it cannot be written.
    """
    if target.exists() and not force:
        raise InputError(f"{target} exists; name another target, or replace it with --force")
    try:
        with replacing_folder(target) as aside:
            yield aside
    except (OSError, SafetensorError) as error:
        raise ExportError(f"could not write {target}: {error}; what stood there before still does") from error

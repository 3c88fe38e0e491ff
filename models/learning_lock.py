"""One learner at a time: a lock on the data directory, which the system lets go of when its process ends."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from models.errors import StoreError, TrainingError

FILE = "learning.lock"


@contextmanager
def alone(data_dir: Path) -> Iterator[None]:
    """Hold the lock; raises TrainingError where another run has it, StoreError where it cannot be opened.

    Two runs on the same labels share a work folder and would write into each other's stages. The file stays behind
    on purpose: were it removed, two runs could each hold a lock on a file of that name.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)  # as the database makes it
        handle = os.open(data_dir / FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(f"could not open {data_dir / FILE}: {error}; check that its folder can be written") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(handle, 20).decode("ascii", "replace").strip() or "unknown"
            raise TrainingError(
                f"another run learns from {data_dir} already (process {holder}); wait until it has ended, or stop it"
            ) from error
        os.ftruncate(handle, 0)
        os.write(handle, f"{os.getpid()}\n".encode("ascii"))
        yield
    finally:
        os.close(handle)

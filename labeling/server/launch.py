"""Run Argilla in this process until it is told to stop."""

import asyncio
import fcntl
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from labeling.server import environment
from labeling.server.secret_files import ensure_credentials
from models.errors import LabelingError

HOST = "127.0.0.1"
LOCK = "server.lock"


def launch(*, home: Path, port: int, with_parent: bool) -> None:
    """Serve Argilla from ``home`` on the loopback interface; port 0 takes a free one.

    Once requests are answered, one line of JSON ``{"ready": true, "port": N}`` goes to standard output. Ends at SIGTERM
    or SIGINT, and, ``with_parent``, when standard input closes: whoever holds its other end is gone then. Raises
    LabelingError if the port or the home is taken.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    if with_parent:
        threading.Thread(target=_follow_parent, name="follow-parent", daemon=True).start()
    os.umask(0o077)
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _only_one(home), _listen(port) as listener:
        lanes = environment.prepare(home, listener.getsockname()[1])
        credentials = ensure_credentials(home)
        from labeling.server import database, serving  # noqa: PLC0415 - argilla_server reads its environment at import

        database.harden_connections()
        database.migrate(home)
        asyncio.run(serving.serve(listener, credentials, lanes))


def _leave(_number: int, _frame: object) -> None:
    """End at once and cleanly: nothing is served yet, or nothing any more."""
    raise SystemExit(0)


def _follow_parent() -> None:
    while os.read(0, 4096):  # not through sys.stdin: Python could not take its lock at exit
        pass
    os.kill(os.getpid(), signal.SIGTERM)


@contextmanager
def _only_one(home: Path) -> Iterator[None]:
    """Hold the home's lock, which the system lets go of even if this process is killed."""
    with (home / LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise LabelingError(f"another Argilla already runs in {home}; stop it first") from None
        yield


@contextmanager
def _listen(port: int) -> Iterator[socket.socket]:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError as error:
            raise LabelingError(
                f"Argilla cannot listen on {HOST}:{port} ({error.strerror}); "
                "set another port under [argilla] in config.toml, or 0 for any that is free"
            ) from error
        yield listener
    finally:
        listener.close()

"""Real servers for every package's tests, on loopback, started when first asked for: of models, and of Matrix."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from models.llama.resolve import STARTER
from tests.homeserver import Homeserver

START_S = 90.0


class ModelServer(NamedTuple):
    """Where it listens, what it calls its model, and the file behind that name."""

    url: str
    model: str
    gguf: Path


@pytest.fixture(scope="session")
def smallest_gguf() -> Path:
    return min((STARTER / "gguf").glob("*.gguf"), key=lambda path: path.stat().st_size)


@pytest.fixture(scope="session")
def model_server(smallest_gguf, tmp_path_factory):
    port = _free_port()
    url = f"http://127.0.0.1:{port}/v1"
    said = tmp_path_factory.mktemp("model_server") / "log.txt"
    given = {"model": smallest_gguf, "model_alias": "starter", "host": "127.0.0.1", "port": port}
    given |= {"n_ctx": 512, "n_threads": 1, "chat_format": "chatml", "verbose": False}
    command = [
        sys.executable,
        "-m",
        "llama_cpp.server",
        *(part for k, v in given.items() for part in (f"--{k}", str(v))),
    ]
    with said.open("w") as log:
        running = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | {"OMP_NUM_THREADS": "1"})
    try:
        _wait(url, running, said)
        yield ModelServer(url, "starter", smallest_gguf)
    finally:
        running.terminate()
        running.wait(20)


@pytest.fixture(scope="session")
def homeserver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Homeserver]:
    """One Synapse for all tests; each test makes rooms and members of its own in it."""
    server = Homeserver(tmp_path_factory.mktemp("homeserver"))
    server.start()
    yield server
    server.kill()


def _free_port() -> int:
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        return tried.getsockname()[1]


def _wait(url: str, running: subprocess.Popen, said: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{url}/models", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            if running.poll() is not None:
                break
            time.sleep(0.1)
    pytest.fail(f"the model server did not start:\n{said.read_text()[-2000:]}")

"""Real servers for every package's tests, on loopback, started when first asked for: of models, and of Matrix."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from models.llama.resolve import STARTER
from retrain import priority
from tests.homeserver import Homeserver

START_S = 90.0


@pytest.fixture(autouse=True)
def no_step_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep commands of the learning side that a test calls from pushing this process, and all later tests, to the back.

    On a busy machine a process of the last priority may wait for minutes: longer than a test may take.
    """
    monkeypatch.setattr(priority, "NICE", 0)
    monkeypatch.setattr(priority, "bound_memory", lambda _most: None)
    with suppress(OSError):  # only Linux has it
        monkeypatch.setattr(priority, "SACRIFICE", Path("/proc/self/oom_score_adj").read_text(encoding="ascii"))


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

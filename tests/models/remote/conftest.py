"""A fake model server, and deciders that ask it."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from fake_server import FakeServer

from models.calibration import Calibration
from models.ids import Revision
from models.remote.connection import Connection
from models.remote.decider import RemoteDecider
from models.settings import DecideSettings, ServerSettings


@pytest.fixture
def fake():
    with FakeServer() as server:
        yield server


@pytest.fixture
def asking(fake, questions):
    """Make a decider that asks the fake one; its pauses between tries are only noted, in ``pauses``."""
    made = []

    def make(*, key=None, tokenizer=None, url=None, **server) -> RemoteDecider:
        given = {"url": url or fake.url, "model": "m", "timeout_s": 5.0, "retries": 2} | server
        settings = ServerSettings(**given)
        pauses: list[float] = []

        async def sleep(seconds: float) -> None:
            pauses.append(seconds)

        decider = RemoteDecider(
            connection=Connection(settings, key, sleep=sleep, draw=lambda: 1.0),
            questions=questions,
            decide=DecideSettings(server=settings),
            revision=Revision("m@0"),
            calibration=Calibration(gguf_sha256="0", questions={}),
            tokenizer=tokenizer,
        )
        decider.pauses = pauses
        made.append(decider)
        return decider

    yield make
    for decider in made:
        decider.close()

"""The outbox against the real server: killed, cut off in the middle of a batch, and with Argilla away for a day."""

import asyncio
import os
import random
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from labeling.annotator import Annotator
from labeling.desk import Desk
from labeling.embedded import EmbeddedArgilla
from labeling.inlet import Inlet
from labeling.outbox import BATCH, BATCHES_MAX, REFUSALS_MAX, Outbox
from models.decision import Route, Routing
from models.errors import LabelingError
from models.ids import BurstId, RequestId
from models.labels import request_id
from models.question import Question
from models.store import backlog, bursts, decisions, requests
from models.store.thread import Store
from tests.labeling.made import NOON, burst, question, request

pytestmark = pytest.mark.asyncio(loop_scope="session")


class Line:
    """A way to Argilla that can be closed, or cut once as soon as Argilla has read so many bytes of one call."""

    def __init__(self, url: str) -> None:
        self._there = urlsplit(url)
        self.url = ""
        self.open = True
        self.cut_answer_to: bytes | None = None
        self.cuts = 0
        self._ways: set[asyncio.StreamWriter] = set()

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.open:
            writer.transport.abort()
            return
        to_reader, to_writer = await asyncio.open_connection(self._there.hostname, self._there.port)
        self._ways |= {writer, to_writer}
        cut = asyncio.Event()

        async def there() -> None:
            while piece := await reader.read(65536):
                if self.cut_answer_to is not None and self.cut_answer_to in piece:
                    self.cut_answer_to = None
                    self.cuts += 1
                    cut.set()
                to_writer.write(piece)
                await to_writer.drain()
            to_writer.close()

        async def back() -> None:
            while piece := await to_reader.read(65536):
                if cut.is_set():
                    writer.transport.abort()
                    return
                writer.write(piece)
                await writer.drain()
            writer.close()

        with suppress(OSError):
            await asyncio.gather(there(), back())

    def close(self) -> None:
        self.open = False
        for way in self._ways:
            way.transport.abort()
        self._ways.clear()


@asynccontextmanager
async def line_to(argilla: EmbeddedArgilla) -> AsyncIterator[Line]:
    line = Line(argilla.url)
    server = await asyncio.start_server(line.carry, "127.0.0.1", 0)
    line.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield line
    finally:
        line.close()
        server.close()


async def ask(store: Store, asked: Sequence[Question], prefix: str, numbers: range) -> list[RequestId]:
    ids = []
    for number in numbers:
        name = BurstId(f"{prefix}{number}")
        made = request(request_id(name, asked), of=name)
        routing = Routing(burst=name, route=Route.ASK, reason="unsure", audit=False, probability=1.0)
        await store.do(bursts.close, [burst(f"how? {number}", name=name)])
        await store.do(decisions.record, [], routing, made, NOON)
        ids.append(made.id)
    return ids


async def test_killed_between_push_and_mark_it_sends_each_request_once(
    argilla: EmbeddedArgilla, tmp_path: Path
) -> None:
    url, key, asked = argilla.url, argilla.credentials.api_key, (question("is_question", "killed"),)
    async with Store(tmp_path) as store:
        await ask(store, asked, "k", range(7))
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.labeling.killed_child", str(tmp_path), url, key, "killed", env={**os.environ}
    )
    assert await child.wait() == -signal.SIGKILL
    async with Store(tmp_path) as store, Desk(url, key, asked) as desk:
        assert await store.do(requests.count) == {"pending": 7}
        assert (await desk.progress()).total == 7
        assert await Outbox(store, desk, asked, alias_key=b"key").flush() == 7
        assert (await desk.progress()).total == 7
        assert await store.do(requests.count) == {"sent": 7}


async def test_a_day_without_argilla_and_a_batch_whose_answer_is_lost(argilla: EmbeddedArgilla, tmp_path: Path) -> None:
    key, asked = argilla.credentials.api_key, (question("is_question", "outage"),)
    now = NOON
    async with line_to(argilla) as line, Store(tmp_path) as store, Desk(line.url, key, asked) as desk:
        outbox = Outbox(store, desk, asked, alias_key=b"key", clock=lambda: now, rng=random.Random(1))
        inlet = Inlet(store, desk, asked)
        first, *_ = await ask(store, asked, "o", range(3))
        assert await outbox.flush() == 3
        password = await desk.add_annotator("outage-ann")
        assert password is not None
        async with Annotator(argilla.url, "outage-ann", password) as annotator:
            await annotator.submit(first, {"is_question": "yes"})

        line.close()
        for hour in range(24):
            now = NOON + timedelta(hours=hour)
            await ask(store, asked, "o", range(3 + 4 * hour, 7 + 4 * hour))
            assert await outbox.flush() == 0
        with pytest.raises(LabelingError, match="cannot be reached"):
            await inlet.pull()
        waits = await store.do(backlog.count, REFUSALS_MAX)
        assert (waits.to_send, waits.since) == (96, NOON)

        line.open = True
        line.cut_answer_to = b"/records/bulk"  # Argilla takes the first batch, and we do not hear of it
        now += timedelta(minutes=15)
        sent = []
        for _ in range(4):
            sent.append(await outbox.flush())
            now += timedelta(minutes=15)
        assert line.cuts == 1
        assert sent[0] == 0
        assert sum(sent) == 96
        assert max(sent) <= BATCH * BATCHES_MAX
        assert (await desk.progress()).total == 99
        assert (await inlet.pull()).changed == (first,)
        assert await store.do(requests.count) == {"sent": 98, "answered": 1}

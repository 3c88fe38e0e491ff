import asyncio
import os
import signal

import pytest

from bot.queue_access import HOME, alias_key_in, argilla_of, note_address
from bot.up import Bot, _queue_now
from labeling.answers import QueueProgress
from labeling.errors import UnreachableError
from labeling.server.secret_files import ensure_credentials
from models.errors import LabelingError
from models.settings import ArgillaSettings, ChatSettings
from models.store import bursts
from models.store.database import open_database


async def forever(self, store, asker):
    await asyncio.Event().wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_stops_everything_and_nothing_is_lost(house, excerpt, monkeypatch, number):
    path, settings = house
    settings = settings.model_copy(update={"chat": ChatSettings(adapter="replay", path=excerpt)})
    monkeypatch.setattr(Bot, "_label", forever)
    told = []
    running = asyncio.create_task(Bot(settings, path, told.append).run())
    async with asyncio.timeout(30):
        while not told:  # noqa: ASYNC110 - it tells people, not programs
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.3)
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)
        await running
    assert told[-1] == "stopped; nothing is lost"
    assert "it says nothing" in told[0]
    db = open_database(settings.data_dir)
    assert sum(bursts.count(db).values()) > 0
    db.close()


async def test_a_part_that_fails_ends_the_bot(house, monkeypatch):
    async def fail(self, store, asker):
        raise LabelingError("Argilla is away")

    path, settings = house
    settings = settings.model_copy(update={"chat": ChatSettings(adapter="replay", path=path.parent / "chat.jsonl")})
    (path.parent / "chat.jsonl").write_text("")
    monkeypatch.setattr(Bot, "_label", fail)
    with pytest.raises(ExceptionGroup) as failed:
        await Bot(settings, path, lambda _: None).run()
    assert failed.group_contains(LabelingError, match="Argilla is away")


def test_the_alias_key_is_made_once_and_private(tmp_path):
    key = alias_key_in(tmp_path)
    assert key == alias_key_in(tmp_path)
    [file] = tmp_path.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    file.write_text("no key")
    with pytest.raises(LabelingError, match="remove it"):
        alias_key_in(tmp_path)


async def test_the_queue_is_the_configured_or_the_running_one(settings, monkeypatch):
    monkeypatch.setenv("KEY_FOR_TEST", "k")
    argilla = ArgillaSettings(url="http://there", api_key_env="KEY_FOR_TEST")
    async with argilla_of(settings.model_copy(update={"argilla": argilla})) as found:
        assert found == ("http://there", "k")
    home = settings.data_dir / HOME
    home.mkdir(parents=True)
    credentials = ensure_credentials(home)
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    note_address(home, url)
    async with argilla_of(settings) as found:
        assert found == (url, credentials.api_key)
    server.close()


class Queue:
    """A desk that tells its progress, or fails."""

    def __init__(self, found):
        self.found = found

    async def progress(self):
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


async def test_an_argilla_that_is_only_away_ends_nothing_and_any_other_trouble_does():
    told = await _queue_now(Queue(QueueProgress(total=3, completed=1, submitted={})))
    assert told == "labelling queue: 3 requests, 1 answered"
    told = await _queue_now(Queue(UnreachableError("nobody answers")))
    assert told.startswith("nobody answers. The bot goes on without it: requests wait")
    with pytest.raises(LabelingError, match="refuses our API key"):
        await _queue_now(Queue(LabelingError("Argilla refuses our API key")))

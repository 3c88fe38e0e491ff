"""The real pipeline over the real store, for a crowd: all of production but the model, where a stub decides."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.bench.crowd_chat import CrowdChat
from bot.bench.stub import StubDecider
from bot.model_file import model_file
from bot.pipeline import Pipeline
from bot.slot import ServingSlot
from models.settings import Settings
from models.store.database import Database
from models.store.thread import Store

STUB = "stub"


@asynccontextmanager
async def opened(settings: Settings, data_dir: Path, model: str = STUB) -> AsyncIterator[tuple[Store, ServingSlot]]:
    """Open a store in a folder, and a model: a built-in name, a file, or ``stub``. Raises ModelError, StoreError."""
    own = settings.model_copy(update={"data_dir": data_dir})
    async with Store(data_dir) as store:
        if model == STUB:
            nothing = data_dir / "stub.gguf"
            nothing.touch()
            slot = ServingSlot(own, store, model=str(nothing), opener=lambda *_: StubDecider(settings.questions))
        else:
            slot = ServingSlot(own, store, model=str(model_file(model, settings)))
        async with slot:
            yield store, slot


def flow(settings: Settings, store: Store, chat: CrowdChat, slot: ServingSlot) -> Pipeline:
    """Make the pipeline, as ``quandary up`` makes it where nobody answers."""
    return Pipeline(settings=settings, store=store, adapter=chat, slot=slot)


def make_power_safe(db: Database) -> None:
    """Wait for the disk at every transaction, so that not even a loss of power undoes one."""
    db.execute("PRAGMA synchronous = FULL")


def pragma(db: Database, name: str) -> str:
    """What is in force, in words."""
    [found] = db.execute(f"PRAGMA {name}").fetchone()
    return {0: "OFF", 1: "NORMAL", 2: "FULL", 3: "EXTRA"}.get(found, str(found))

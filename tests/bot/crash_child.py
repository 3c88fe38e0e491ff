"""Runs a pipeline over a file in a process that tests kill: crash_child.py DATA_DIR FILE."""

import asyncio
import sys
from pathlib import Path

from bot_fakes import FakeDecider, settings_in

from bot.adapters.replay import ReplayChat
from bot.pipeline import Pipeline
from bot.slot import ServingSlot
from models.store.thread import Store


async def run(data_dir, file):
    settings = settings_in(data_dir)
    opener = lambda path, sha256: FakeDecider(settings.questions, delay_s=0.08)  # noqa: E731
    print("begins", flush=True)
    async with (
        Store(data_dir) as store,
        ServingSlot(settings, store, model=str(file), opener=opener) as slot,
        ReplayChat(file) as adapter,
    ):
        await Pipeline(settings=settings, store=store, adapter=adapter, slot=slot).run()


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1]), Path(sys.argv[2])))

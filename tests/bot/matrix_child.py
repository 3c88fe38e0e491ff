"""Runs a pipeline on Matrix in a process that tests kill: matrix_child.py DATA_DIR URL USER, the token on stdin."""

import asyncio
import sys
from dataclasses import replace
from pathlib import Path

from bot_fakes import FakeDecider, settings_in

from bot.adapters.matrix import MatrixChat
from bot.pipeline import Pipeline
from bot.slot import ServingSlot
from models.settings import BurstSettings, MatrixSettings
from models.store.thread import Store


async def run(data_dir, url, user, token):
    settings = settings_in(data_dir, burst=BurstSettings(gap_s=60.0, max_age_s=600.0))
    opener = lambda path, sha256: FakeDecider(settings.questions)  # noqa: E731
    async with (
        Store(data_dir) as store,
        ServingSlot(settings, store, model=__file__, opener=opener) as slot,
        MatrixChat(MatrixSettings(homeserver=url, user=user), token) as adapter,
    ):
        # It greets nobody: a greeting's time is today's, and the members' are not.
        adapter.capabilities = replace(adapter.capabilities, audience=False)
        await Pipeline(settings=settings, store=store, adapter=adapter, slot=slot).run()


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.stdin.readline().strip()))

"""A bot that is killed, as by kill -9, after Argilla has a batch and before the store knows.

Run as ``python -m tests.labeling.killed_child DATA_DIR URL KEY WORDS``.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from labeling.desk import Desk
from labeling.form import Form
from labeling.outbox import Outbox
from models.store.thread import Store
from tests.labeling.made import question


class Killed(Desk):
    async def push(self, forms: Sequence[Form]) -> None:
        await super().push(forms)
        os.kill(os.getpid(), signal.SIGKILL)


async def main(folder: str, url: str, key: str, words: str) -> None:
    asked = (question("is_question", words),)
    async with Store(Path(folder)) as store, Killed(url, key, asked) as desk:
        await Outbox(store, desk, asked, alias_key=b"key").flush()


asyncio.run(main(*sys.argv[1:]))

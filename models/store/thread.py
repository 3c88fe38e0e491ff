"""The store for asyncio: one thread that owns the connection, so that no query blocks the loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self, TypeVar, TypeVarTuple

from sqlite_utils import Database

from models.store.database import open_database

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Store:
    """Runs verbs one after another in a thread of their own."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._db: Database | None = None

    async def __aenter__(self) -> Self:
        """Open the database; raises StoreError."""
        self._db = await asyncio.get_running_loop().run_in_executor(self._thread, open_database, self.data_dir)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Finish what was begun, then close."""
        db, self._db = self._db, None
        if db is not None:
            await asyncio.get_running_loop().run_in_executor(self._thread, db.close)
        self._thread.shutdown()

    async def do(self, verb: Callable[[Database, *Ts], T], *arguments: *Ts) -> T:
        """Run a verb in the store's thread. A cancelled caller does not undo a change that has begun."""
        if self._db is None:
            raise RuntimeError("the store is not open")
        return await asyncio.get_running_loop().run_in_executor(self._thread, verb, self._db, *arguments)

"""The serving slot: the one model that decides, and how another takes its place without anybody waiting.

A promotion is a row in the store. The slot looks for it every second, loads the new file in a thread of its own while
the old one goes on deciding, and exchanges the two between batches.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self, TypeVar

import structlog

from bot.serving import PROBE, open_serving
from models.chat import Burst
from models.decider import Decider
from models.decision import Decision
from models.errors import ModelError
from models.evidence import Slot
from models.ids import Revision
from models.llama import gguf_of
from models.settings import Settings
from models.store import promotions
from models.store.database import Database
from models.store.thread import Store

T = TypeVar("T")
POLL_S = 1.0
RETRY_S = 60.0
"""How long a promoted file that could not be loaded is left alone."""

Opener = Callable[[Path, str | None], Decider]

log = structlog.get_logger(__name__)


class ServingSlot:
    """Holds the model that decides; use as ``async with ServingSlot(...)``.

    ``model`` overrides both config.toml and promotions (a replay with ``--model``). ``opener`` loads a file whose
    SHA-256 must be the given one.
    """

    def __init__(
        self, settings: Settings, store: Store, *, model: str | None = None, opener: Opener | None = None
    ) -> None:
        self._settings = settings
        self._store = store
        self._model = model
        self._open = opener or (lambda path, sha256: open_serving(path, settings, sha256))
        self._deciding = ThreadPoolExecutor(max_workers=1, thread_name_prefix="decide")
        self._loading = ThreadPoolExecutor(max_workers=1, thread_name_prefix="load")
        self._decider: Decider | None = None
        self._serving: Slot | None = None
        self._refused: tuple[Slot, float] | None = None
        self._refreshing = asyncio.Lock()

    async def __aenter__(self) -> Self:
        """Load what was promoted last, or the approval before it; raises ModelError where nothing can be loaded."""
        for slot in [] if self._model is not None else await self._store.do(_approved):
            try:
                self._decider, self._serving = await self._load(slot), slot
            except ModelError as error:
                log.error(  # noqa: TRY400 - the sentence says it all
                    "promoted model not loaded, falling back", candidate=slot.candidate, error=str(error)
                )
                self._refused = self._refused or (slot, asyncio.get_running_loop().time())
                continue
            return self
        try:
            self._decider = await self._load(None)
        except BaseException:
            self._shutdown()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Finish the batch that runs, then release the model."""
        decider, self._decider = self._decider, None
        if decider is not None:
            await self._run(self._deciding, decider.close)
        self._shutdown()

    @property
    def revision(self) -> Revision:
        """Which model file decides now."""
        if self._decider is None:
            raise RuntimeError("the slot is not open")
        return self._decider.revision

    async def decide(self, bursts: Sequence[Burst]) -> list[tuple[Decision, ...]]:
        """Decide a batch in the deciding thread, all of it by one model; raises ModelError."""
        return await self._run(self._deciding, self._decide, list(bursts))

    async def watch(self) -> None:
        """Follow promotions until cancelled."""
        while True:
            await self.refresh()
            await asyncio.sleep(POLL_S)

    async def refresh(self) -> bool:
        """Load the model promoted last if another one serves; tells whether it was exchanged."""
        async with self._refreshing:
            return await self._refresh()

    async def _refresh(self) -> bool:
        slot = await self._store.do(promotions.current_slot)
        if slot is None or slot == self._serving or self._is_refused(slot):
            return False
        try:
            new = await self._load(slot)
        except ModelError as error:
            self._refused = (slot, asyncio.get_running_loop().time())
            log.error(  # noqa: TRY400 - the sentence says it all
                "promoted model not loaded, the old one stays", candidate=slot.candidate, error=str(error)
            )
            return False
        await self._run(self._deciding, self._exchange, new)
        self._serving = slot
        log.info("model exchanged", candidate=slot.candidate, revision=new.revision)
        return True

    def _is_refused(self, slot: Slot) -> bool:
        if self._refused is None or self._refused[0] != slot:
            return False
        return asyncio.get_running_loop().time() - self._refused[1] < RETRY_S

    async def _load(self, slot: Slot | None) -> Decider:
        """Load a slot's model (None: that of config.toml) and have it decide once, so that its first burst is not slow.

        A slot without a candidate means the model of config.toml as well: somebody rolled back to it.
        """
        if slot is None or slot.candidate is None:
            return await self._run(self._loading, self._load_configured)
        return await self._run(self._loading, self._warm, self._settings.data_dir / slot.gguf_path, slot.gguf_sha256)

    def _load_configured(self) -> Decider:
        return self._warm(gguf_of(self._model or self._settings.decide.model), None)

    def _warm(self, path: Path, sha256: str | None) -> Decider:
        decider = self._open(path, sha256)
        try:
            decider.decide([PROBE])
        except ModelError:
            decider.close()
            raise
        return decider

    def _decide(self, bursts: Sequence[Burst]) -> list[tuple[Decision, ...]]:
        if self._decider is None:
            raise ModelError("the model has been released; the bot is stopping")
        return self._decider.decide(bursts)

    def _exchange(self, new: Decider) -> None:
        """Runs in the deciding thread, so no batch is under way."""
        old, self._decider = self._decider, new
        if old is not None:
            old.close()

    async def _run(self, thread: ThreadPoolExecutor, job: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(thread, job, *arguments)

    def _shutdown(self) -> None:
        for thread in (self._deciding, self._loading):
            thread.shutdown(wait=False, cancel_futures=True)


def _approved(db: Database) -> list[Slot]:
    """The slot, and what may take its place if it cannot be loaded: earlier approvals, never one taken back."""
    current = promotions.current_slot(db)
    if current is None:
        return []
    before = reversed(promotions.standing(db))
    return [current, *(slot for slot in before if slot.gguf_sha256 != current.gguf_sha256)]

"""Finishing erasures: what the database has forgotten is taken out of Argilla, files, and the database's own file.

Each step is noted when it is done, so it may stop anywhere and go on at the next start. Training that runs meanwhile
goes on; a dataset that it writes just then is looked at when it has ended.
"""

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from labeling.erasing import scrub
from models.erasure import Erasure, ErasureKind, Step, TraceKind
from models.errors import TrainingError
from models.frozen import Holding, bury, clear_half_made, holdings
from models.ids import BurstId, ErasureId
from models.learning_lock import alone
from models.store import erasure, erasures
from models.store.database import Database
from models.store.thread import Store

LATE = timedelta(minutes=5)
"""By then every burst is closed that was open when somebody had something erased."""
REST = timedelta(hours=1)
"""So long after a redaction at most the database file is written anew; for a forgotten member it is not waited for."""

log = structlog.get_logger(__name__)


class Eraser:
    """Finishes what is left of erasures whenever ``finish`` is called.

    ``argilla`` is the home of an embedded Argilla, or None.
    """

    def __init__(
        self,
        store: Store,
        data_dir: Path,
        *,
        argilla: Path | None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._data_dir = data_dir
        self._argilla = argilla
        self._clock = clock

    async def finish(self, *, settled: bool = False) -> int:
        """Do what can be done now; returns how many erasures are complete by it.

        ``settled`` says that no other process writes: nothing has to be waited for. Raises StoreError, LabelingError or
        ExportError; what was done is noted.
        """
        left = await self._store.do(erasures.unfinished)
        if not left:
            return 0
        for one in left:
            await self._store.do(erasure.erase_again, one.id)
        await self._files([one for one in left if await self._lacks(one, Step.FILES)])
        await self._argilla_files([one for one in left if await self._lacks(one, Step.ARGILLA)])
        await self._compact([one for one in left if await self._lacks(one, Step.STORE)], settled=settled)
        closed = [await self._store.do(erasures.close_if_done, one.id, self._clock()) for one in left]
        if done := sum(closed):
            log.info("erased", erasures=done, left=len(left) - done)
        return done

    async def _lacks(self, one: Erasure, step: Step) -> bool:
        traces = await self._store.do(erasures.traces, one.id, TraceKind.STEP)
        return any(trace.name == step and not trace.done for trace in traces)

    async def _files(self, left: Sequence[Erasure]) -> None:
        """Take items out of datasets: noted, done, and noted again, so that it is known whatever happens between."""
        if not left:
            return
        touched = {one.id: frozenset(await self._store.do(erasures.bursts_touched, one.id)) for one in left}
        every: frozenset[BurstId] = frozenset().union(*touched.values())
        found = await asyncio.to_thread(holdings, self._data_dir, every)
        await self._store.do(_note_datasets, touched, found)
        for holding in found:
            await asyncio.to_thread(bury, self._data_dir, holding)
        await self._store.do(_settle_datasets, list(touched))
        if await asyncio.to_thread(self._nobody_learns, every):
            await self._settle(left, Step.FILES)

    def _nobody_learns(self, bursts: frozenset[BurstId]) -> bool:
        """Look once more while no run can write a dataset; False where one runs, or wrote one since."""
        try:
            with alone(self._data_dir):
                clear_half_made(self._data_dir)
                return not holdings(self._data_dir, bursts)
        except TrainingError:
            return False

    async def _argilla_files(self, left: Sequence[Erasure]) -> None:
        """Once Argilla has deleted the records, have its files forget them too."""
        done = [one for one in left if not await self._waits_for_argilla(one)]
        if not done:
            return
        showed = [one for one in done if await self._store.do(erasures.traces, one.id, TraceKind.REQUEST)]
        if showed and self._argilla is not None and not await asyncio.to_thread(scrub, self._argilla):
            return
        await self._settle(done, Step.ARGILLA)

    async def _waits_for_argilla(self, one: Erasure) -> bool:
        return any(not trace.done for trace in await self._store.do(erasures.traces, one.id, TraceKind.REQUEST))

    async def _compact(self, left: Sequence[Erasure], *, settled: bool) -> None:
        """Empty the log at once, and write the database file anew when it is time."""
        now = self._clock()
        ripe = [one for one in left if settled or now - one.at >= LATE]
        if ripe and (settled or any(one.kind is ErasureKind.FORGET or now - one.at >= REST for one in ripe)):
            if await self._store.do(erasure.compact):
                await self._settle(ripe, Step.STORE)
        elif left:
            await self._store.do(erasure.empty_log)

    async def _settle(self, done: Iterable[Erasure], step: Step) -> None:
        for one in done:
            await self._store.do(erasures.settle, one.id, TraceKind.STEP, [step.value])


def _note_datasets(db: Database, touched: Mapping[ErasureId, frozenset[BurstId]], found: Sequence[Holding]) -> None:
    for one, bursts in touched.items():
        for holding in found:
            if items := holding.bursts & bursts:
                detail = json.dumps({"items": len(items), "trained": len(holding.trained & bursts)})
                erasures.add(db, one, TraceKind.DATASET, [holding.dataset], detail)


def _settle_datasets(db: Database, left: Sequence[ErasureId]) -> None:
    for one in left:
        known = [trace.name for trace in erasures.traces(db, one, TraceKind.DATASET)]
        erasures.settle(db, one, TraceKind.DATASET, known)

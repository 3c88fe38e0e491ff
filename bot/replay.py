"""``quandary replay``: a file of messages through the live pipeline, and what became of them."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bot.adapters import ReplayChat
from bot.model_file import model_file
from bot.pipeline import Pipeline
from bot.serving import open_serving
from bot.slot import ServingSlot
from bot.tally import Tally
from models.champion import champion_gguf
from models.chat import Burst
from models.decision import Decision, Routing
from models.ids import Revision
from models.llama import open_decider
from models.settings import Settings
from models.store.thread import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What a replay did; ``milliseconds`` is the sum over bursts of the time spent deciding."""

    model: str
    revision: Revision
    tally: Tally
    seconds: float
    milliseconds: float

    def figures(self) -> dict[str, object]:
        """Everything as it is printed with --json."""
        bursts = self.tally.bursts
        return {
            "model": self.model,
            "revision": self.revision,
            **asdict(self.tally),
            "seconds": round(self.seconds, 3),
            "ms_per_burst": round(self.milliseconds / bursts, 3) if bursts else None,
        }


async def replay(
    settings: Settings,
    file: Path,
    *,
    data_dir: Path,
    model: str | None = None,
    speed: float = 0.0,
    begins: Callable[[int], None] = lambda _: None,
    advance: Callable[[int], None] = lambda _: None,
) -> Replayed:
    """Send a file through the pipeline with a store in ``data_dir``; the champion is that of ``settings``.

    ``begins`` is told how many messages there are, ``advance`` how many are decided. Raises InputError, ModelError or
    StoreError; a faulty file is noticed before anything is written.
    """
    settings = settings.model_copy(  # a recorded chat's budget has no day to be spread over
        update={"ask": settings.ask.model_copy(update={"paced": False})}
    )
    path, digest = (
        (await asyncio.to_thread(model_file, model, settings), None) if model is not None else champion_gguf(settings)
    )
    spent = 0.0
    began = time.perf_counter()
    async with (
        ReplayChat(file, speed=speed, gap_s=settings.burst.gap_s) as chat,
        Store(data_dir) as store,
        ServingSlot(
            settings.model_copy(update={"data_dir": data_dir}),
            store,
            model=str(path),
            opener=lambda gguf, _: (
                open_serving(gguf, settings, digest)
                if model is None
                else open_decider(gguf, settings.questions, settings.decide)
            ),
        ) as slot,
    ):
        begins(chat.lines)

        def routed(burst: Burst, made: Sequence[Decision], _: Routing) -> None:
            nonlocal spent
            spent += made[0].milliseconds if made else 0.0
            advance(len(burst.message_ids))

        pipeline = Pipeline(settings=settings, store=store, adapter=chat, slot=slot, on_routed=routed)
        await pipeline.run()
        return Replayed(
            model=path.name,
            revision=slot.revision,
            tally=pipeline.tally,
            seconds=time.perf_counter() - began,
            milliseconds=spent,
        )

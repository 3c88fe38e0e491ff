"""What deciding must never do: hold up the event loop, or keep more than two models in memory."""

import asyncio
import time
from contextlib import suppress

from bot_fakes import FakeDecider, candidate_of

from bot.promotion import approve
from bot.serving import PROBE
from bot.slot import ServingSlot
from models.llama import gguf_of, open_decider
from models.store import learning


async def longest_pause(until):
    """How long the event loop at most did not come back to us, in seconds, while a task ran."""
    longest = 0.0
    while not until.done():
        began = time.monotonic()
        await asyncio.sleep(0.005)
        longest = max(longest, time.monotonic() - began)
    return longest


async def test_a_slow_model_does_not_hold_up_the_loop(settings, store, ggufs):
    def slow(path, sha256):
        return FakeDecider(settings.questions, delay_s=1.0)

    async with ServingSlot(settings, store, model=str(ggufs[0]), opener=slow) as slot:
        deciding = asyncio.create_task(slot.decide([PROBE]))
        assert await longest_pause(deciding) < 0.5


async def test_llama_cpp_at_work_does_not_hold_up_the_loop(settings, store):
    """Real decoding releases the interpreter: the loop's longest pause is a small part of a long batch."""

    def opened(path, sha256):
        return open_decider(gguf_of("starter"), settings.questions, settings.decide)

    async with ServingSlot(settings, store, model=str(gguf_of("starter")), opener=opened) as slot:
        began = time.monotonic()
        deciding = asyncio.create_task(slot.decide([PROBE] * 64))
        pause = await longest_pause(deciding)
        assert len(await deciding) == 64
        assert pause < (time.monotonic() - began) / 2


async def test_no_more_than_two_models_are_in_memory(settings, store, ggufs):
    alive, most = set(), 0

    class Counted(FakeDecider):
        def close(self):
            super().close()
            alive.discard(self)

    def opened(path, sha256):
        nonlocal most
        made = Counted(settings.questions, delay_s=0.01)
        alive.add(made)
        most = max(most, len(alive))
        return made

    def promoted(name, gguf):
        def verb(db):
            learning.put_candidate(db, *candidate_of(settings, name, gguf))
            approve(db, settings, name, by="test")

        return verb

    async def busy(slot):
        while True:
            await slot.decide([PROBE])

    async with ServingSlot(settings, store, model=str(ggufs[0]), opener=opened) as slot:
        working = asyncio.create_task(busy(slot))
        for number in range(4):
            await store.do(promoted(f"c{number}", ggufs[number % 2]))
            await asyncio.gather(slot.refresh(), slot.refresh(), slot.refresh())
            assert len(alive) == 1
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working
    assert most == 2
    assert not alive

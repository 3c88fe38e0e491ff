import asyncio
import time

import pytest
from bot_fakes import FakeDecider, candidate_of

from bot.promotion import approve, rollback
from bot.serving import PROBE
from bot.slot import ServingSlot
from models.errors import ModelError
from models.llama import sha256_of
from models.store import learning
from models.store.thread import Store


def promoted(settings, name, gguf):
    def verb(db):
        learning.put_candidate(db, *candidate_of(settings, name, gguf))
        approve(db, settings, name, by="test")

    return verb


@pytest.fixture
def revisions(ggufs):
    return [sha256_of(path)[:12] for path in ggufs]


async def test_follows_promotion_and_rollback(house, ggufs, revisions):
    _, settings = house
    async with Store(settings.data_dir) as store, ServingSlot(settings, store) as slot:
        assert slot.revision == revisions[0]
        assert not await slot.refresh()
        await store.do(promoted(settings, "c1", ggufs[1]))
        assert await slot.refresh()
        assert slot.revision == revisions[1]
        [(first, second)] = await slot.decide([PROBE])
        assert first.revision == second.revision == revisions[1]
        assert not await slot.refresh()
        await store.do(lambda db: rollback(db, settings, by="test"))
        assert await slot.refresh()
        assert slot.revision == revisions[0]


async def test_starts_with_what_was_promoted_last(house, ggufs, revisions):
    _, settings = house
    async with Store(settings.data_dir) as store:
        await store.do(promoted(settings, "c1", ggufs[1]))
        async with ServingSlot(settings, store) as slot:
            assert slot.revision == revisions[1]
        async with ServingSlot(settings, store, model=str(ggufs[0])) as slot:
            assert slot.revision == revisions[0]


@pytest.mark.parametrize("damage", [lambda p: p.unlink(), lambda p: p.write_bytes(b"GGUF rubbish")])
async def test_a_promoted_file_that_is_gone_or_changed_does_not_serve(house, ggufs, revisions, damage):
    _, settings = house
    async with Store(settings.data_dir) as store:
        async with ServingSlot(settings, store) as slot:
            await store.do(promoted(settings, "c1", ggufs[1]))
            damage(settings.data_dir / "candidates" / "c1" / "model.gguf")
            assert not await slot.refresh()
            assert slot.revision == revisions[0]
            assert await slot.decide([PROBE])
        async with ServingSlot(settings, store) as slot:
            assert slot.revision == revisions[0]


async def test_without_any_model_there_is_no_slot(house, store):
    _, settings = house
    with pytest.raises(ModelError):
        async with ServingSlot(settings, store, model="/no/such.gguf"):
            pytest.fail("opened")


async def test_an_exchange_delays_no_burst(settings, store, ggufs, monkeypatch):
    made = []

    def slowly(path, sha256):
        if made:
            time.sleep(1.0)  # a large model takes its time to load
        made.append(FakeDecider(settings.questions, revision=str(len(made)), delay_s=0.02))
        return made[-1]

    waits, seen = [], []
    async with ServingSlot(settings, store, model=str(ggufs[0]), opener=slowly) as slot:
        watching = asyncio.create_task(slot.watch())
        await store.do(promoted(settings, "c1", ggufs[1]))
        end = time.monotonic() + 3.0
        while time.monotonic() < end:
            began = time.monotonic()
            [(first, second)] = await slot.decide([PROBE])
            waits.append(time.monotonic() - began)
            assert first.revision == second.revision
            seen.append(first.revision)
        watching.cancel()
        assert [d.closed for d in made] == [True, False]
    assert seen == sorted(seen)
    assert set(seen) == {"0", "1"}
    assert max(waits) < 0.9  # loading alone takes a second
    assert made[1].closed

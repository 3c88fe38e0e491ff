"""The whole way from a request in the store to a label in the store, through the real server."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from labeling.annotator import Annotator
from labeling.desk import Desk
from labeling.embedded import EmbeddedArgilla
from labeling.inlet import Inlet
from labeling.outbox import Outbox
from models.errors import LabelingError
from models.ids import BurstId
from models.labels import Purpose, request_id
from models.question import versions
from models.store import bursts, labels, requests
from models.store.thread import Store
from tests.labeling.made import burst, question, request

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_requests_go_out_come_back_and_go_to_somebody_else_where_two_are_to_answer(
    argilla: EmbeddedArgilla, tmp_path: Path
) -> None:
    asked = (question("is_question", "desk"), question("needs_context", "desk", is_question="yes"))
    ids = [request_id(BurstId(f"b{n}"), asked) for n in range(5)]
    async with Store(tmp_path) as store, Desk(argilla.url, argilla.credentials.api_key, asked) as desk:
        for n, name in enumerate(ids):
            await store.do(bursts.close, [burst(f"how do I mount disk {n}?", ("bob", "hi alice"), name=f"b{n}")])
            made = replace(request(name, of=f"b{n}"), overlap=1 if n == 4 else 2)
            await store.do(requests.insert_request, made)
        outbox = Outbox(store, desk, asked, alias_key=b"key")
        inlet = Inlet(store, desk, asked)
        assert await outbox.flush() == 5
        assert (await inlet.pull()).changed == ()

        people = [Annotator(argilla.url, name, await desk.add_annotator(name)) for name in ("desk-ann", "desk-bea")]
        async with people[0] as ann, people[1] as bea:
            assert sorted(await ann.pending()) == sorted(ids)
            assert sorted(await bea.pending()) == sorted(ids)
            yes, no = {"is_question": "yes", "needs_context": "no"}, {"is_question": "no", "needs_context": "yes"}
            await ann.submit_all({ids[0]: yes, ids[1]: yes, ids[2]: yes, ids[4]: no})
            taken = await inlet.pull()
            assert len(taken.changed) == 4
            assert [(made.burst, made.option) for made in taken.labels] == [
                ("b4", "no")
            ]  # the others wait for a second
            assert await outbox.flush() == 3
            assert await ann.pending() == [ids[3]]  # nobody answers twice
            overlap = [request_id(BurstId(f"b{n}"), asked, Purpose.OVERLAP) for n in range(3)]
            assert sorted(await bea.pending()) == sorted([ids[3], *overlap])
            await bea.submit_all({overlap[0]: yes, overlap[1]: no})
            await bea.discard(overlap[2])
            await outbox.withdraw([ids[3]])
            assert await bea.pending() == []
            taken = await inlet.pull()
            assert {(made.burst, made.question): made.option for made in taken.labels} == {
                ("b0", "is_question"): "yes",
                ("b0", "needs_context"): "no",
                ("b1", "is_question"): None,
            }
            assert await store.do(requests.count) == {"answered": 6, "pending": 1, "sent": 1, "withdrawn": 1}
            await desk.add_annotator("desk-cay")
            assert await outbox.flush() == 1
            assert await ann.pending() == await bea.pending() == []  # who disagreed does not decide
        async with Annotator(argilla.url, "desk-cay", await desk.add_annotator("desk-cay")) as cay:
            verdict = request_id(BurstId("b1"), asked, Purpose.ADJUDICATE)
            assert verdict in await cay.pending()
            await cay.submit(verdict, no)
            taken = await inlet.pull()
            assert [(made.burst, made.option) for made in taken.labels] == [("b1", "no")]
        assert await store.do(labels.count, versions(asked)) == {"is_question": 3, "needs_context": 1}


async def test_the_desk_connects_anew_after_a_failure(argilla: EmbeddedArgilla) -> None:
    asked = (question("is_question", "reconnect"),)
    async with Desk("http://127.0.0.1:9", argilla.credentials.api_key, asked) as desk:
        with pytest.raises(LabelingError, match="cannot be reached"):
            await desk.pull()
        desk.url = argilla.url
        assert (await desk.pull()).responses == ()


async def test_the_loop_is_not_held_up_while_argilla_works(argilla: EmbeddedArgilla) -> None:
    asked = (question("is_question", "loop"),)
    longest = 0.0

    async def tick() -> None:
        nonlocal longest
        loop = asyncio.get_running_loop()
        while True:
            begun = loop.time()
            await asyncio.sleep(0.01)
            longest = max(longest, loop.time() - begun)

    ticking = asyncio.create_task(tick())
    async with Desk(argilla.url, argilla.credentials.api_key, asked) as desk:
        await desk.pull()
    ticking.cancel()
    assert longest < 0.5

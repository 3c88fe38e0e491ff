"""The whole way from a request in the store to a label in the store, through the real server."""

import asyncio
from pathlib import Path

import pytest

from labeling.annotator import Annotator
from labeling.desk import Desk
from labeling.embedded import EmbeddedArgilla
from labeling.inlet import Inlet
from labeling.outbox import Outbox
from models.errors import LabelingError
from models.ids import QuestionId, RequestId
from models.question import versions
from models.store import bursts, labels, requests
from models.store.thread import Store
from tests.labeling.made import burst, question, request

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_requests_go_out_and_come_back_as_labels(argilla: EmbeddedArgilla, tmp_path: Path) -> None:
    asked = (question("is_question", "desk"), question("needs_context", "desk", is_question="yes"))
    async with Store(tmp_path) as store, Desk(argilla.url, argilla.credentials.api_key, asked, overlap=2) as desk:
        for n in range(4):
            name = f"b{n}"
            await store.do(bursts.close, [burst(f"how do I mount disk {n}?", ("bob", "hi alice"), name=name)])
            await store.do(requests.insert_request, request(f"r{n}", of=name))
        outbox = Outbox(store, desk, asked, alias_key=b"key")
        inlet = Inlet(store, desk, asked, overlap=2)
        assert await outbox.flush() == 4
        assert (await inlet.pull()).changed == ()

        people = [Annotator(argilla.url, name, await desk.add_annotator(name)) for name in ("desk-ann", "desk-bea")]
        async with people[0] as ann, people[1] as bea:
            assert sorted(await ann.pending()) == ["r0", "r1", "r2", "r3"]
            assert await ann.pending() != await bea.pending()  # each has an order of their own
            yes = {"is_question": "yes", "needs_context": "no"}
            await ann.submit_all({RequestId(f"r{n}"): yes for n in range(3)})
            assert len((await inlet.pull()).changed) == 3
            assert await store.do(labels.labelled_bursts) == 0  # one of two
            await bea.submit_all({RequestId("r0"): yes, RequestId("r1"): {"is_question": "no", "needs_context": "yes"}})
            await bea.discard(RequestId("r2"))
            await outbox.withdraw([RequestId("r3")])
            assert await bea.pending() == []
        taken = await inlet.pull()
        assert {(made.burst, made.question): made.option for made in taken.labels} == {
            ("b0", "is_question"): "yes",
            ("b0", "needs_context"): "no",
            ("b1", "is_question"): None,
        }
        assert await store.do(labels.count, versions(asked)) == {
            QuestionId("is_question"): 1,
            QuestionId("needs_context"): 1,
        }
        assert await store.do(requests.count) == {"answered": 2, "sent": 1, "withdrawn": 1}
        progress = await desk.progress()
        assert (progress.total, progress.completed) == (3, 2)


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

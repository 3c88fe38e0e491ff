"""Against the real server: the queue as maintainers fill it and read it."""

import asyncio
from dataclasses import replace

import argilla as rg
import pytest

from labeling.annotator import Annotator
from labeling.argilla import ArgillaQueue
from labeling.embedded import EmbeddedArgilla
from labeling.errors import RefusedError
from labeling.record import record_of, settings_of
from models.errors import LabelingError
from models.ids import RequestId
from models.labels import ResponseStatus
from models.question import joint_version
from tests.labeling.made import form, wordings
from tests.labeling.page_calls import annotator, names, search, tab

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_responses_come_back_with_who_what_and_when(argilla: EmbeddedArgilla, queue: ArgillaQueue) -> None:
    await asyncio.to_thread(queue.push, [form(n) for n in (1, 2, 3)])
    nothing = await asyncio.to_thread(queue.pull)
    assert nothing.responses == ()
    async with await annotator(argilla, queue, "puller") as ann:
        await ann.submit(RequestId("r1"), {"is_question": "yes", "rewrite": "  How do I mount a disk?  "})
        await ann.discard(RequestId("r2"))
        pulled = await asyncio.to_thread(queue.pull, nothing.activity)
        by_request = {r.request: r for r in pulled.responses}
        assert set(by_request) == {"r1", "r2"}
        one, other = by_request[RequestId("r1")], by_request[RequestId("r2")]
        assert (one.annotator, one.answers, one.rewrite) == ("puller", {"is_question": "yes"}, "How do I mount a disk?")
        assert (one.status, other.status) == (ResponseStatus.SUBMITTED, ResponseStatus.DISCARDED)
        assert one.submitted_at.tzinfo is not None
        assert (await asyncio.to_thread(queue.pull, pulled.activity)).responses == ()  # nothing new: one cheap call

        await ann.submit(RequestId("r1"), {"is_question": "no"})  # a changed mind
        again = await asyncio.to_thread(queue.pull, pulled.activity)
        changed = next(r for r in again.responses if r.request == "r1")
        assert (changed.answers, changed.rewrite) == ({"is_question": "no"}, None)
        assert changed.submitted_at > one.submitted_at


async def test_sending_twice_overwrites_and_keeps_responses(argilla: EmbeddedArgilla, queue: ArgillaQueue) -> None:
    await asyncio.to_thread(queue.push, [form(1), form(2)])
    async with await annotator(argilla, queue, "keeper") as ann:
        await ann.submit(RequestId("r1"), {"is_question": "yes"})
        await asyncio.to_thread(queue.push, [form(1, text="an edited burst")])
        assert (await asyncio.to_thread(queue.progress)).total == 2
        assert names(await search(ann, text="edited")) == ["r1"]
        assert names(await search(ann, text="mount")) == ["r2"]
    assert [r.request for r in (await asyncio.to_thread(queue.pull)).responses] == ["r1"]


async def test_withdrawn_requests_are_gone_with_text_and_responses(
    argilla: EmbeddedArgilla, queue: ArgillaQueue
) -> None:
    forms = [replace(form(n, text="zanzibar"), request=RequestId(f"z{n}")) for n in range(130)]
    await asyncio.to_thread(queue.push, forms)
    async with await annotator(argilla, queue, "leaver") as ann:
        await ann.submit(RequestId("z0"), {"is_question": "yes"})
        assert len(await ann.pending()) == 129
        async with await annotator(argilla, queue, "leavers-colleague") as other:
            theirs = await other.pending()
            assert set(theirs) == set(await ann.pending())
            assert theirs != await ann.pending()  # each has an order of their own; few records may fall alike
        gone = await asyncio.to_thread(queue.withdraw, [f.request for f in forms[:115]] + [RequestId("unknown")])
        assert gone == 115
        assert await asyncio.to_thread(queue.withdraw, [forms[0].request]) == 0
        assert (await search(ann, text="zanzibar"))["total"] == 15
        assert len(await ann.pending()) == 15
        with pytest.raises(LabelingError, match="no record for request z0"):
            await ann.submit(RequestId("z0"), {"is_question": "yes"})
    assert (await asyncio.to_thread(queue.pull)).responses == ()


async def test_requests_of_earlier_wordings_are_withdrawn_from_their_own_queue(
    argilla: EmbeddedArgilla, queue: ArgillaQueue
) -> None:
    old = replace(form(1, text="madagascar"), request=RequestId("old"))
    await asyncio.to_thread(queue.push, [old])
    async with await annotator(argilla, queue, "reworded") as ann:
        assert (await search(ann, text="madagascar"))["total"] == 1
        await ann.submit(old.request, {"is_question": "yes", "rewrite": "How do I?"})
        was = await asyncio.to_thread(lambda: queue._ready().name)
        await asyncio.to_thread(queue.ensure_dataset, wordings("reworded"))
        [late] = await asyncio.to_thread(queue.answers, [old.request, RequestId("unknown")])
        assert f"quandary-{late.queue}" == was, "the name of a queue tells its words"
        assert (late.response.annotator, late.response.answers) == ("reworded", {"is_question": "yes"})
        assert (late.response.rewrite, late.response.status) == ("How do I?", ResponseStatus.SUBMITTED)
        assert await asyncio.to_thread(queue.withdraw, [old.request]) == 1
        assert (await search(ann, text="madagascar"))["total"] == 0


async def test_the_dataset_is_found_again_and_those_of_other_overlaps_are_read_too(
    argilla: EmbeddedArgilla, queue: ArgillaQueue, request: pytest.FixtureRequest
) -> None:
    own = wordings(request.node.name)
    once = await asyncio.to_thread(queue.ensure_dataset, own)
    assert once == f"quandary-{joint_version(own)}"
    again = await asyncio.to_thread(ArgillaQueue.connect, argilla.url, argilla.credentials.api_key)
    assert await asyncio.to_thread(again.ensure_dataset, own) == once
    await asyncio.to_thread(again.push, [form(1)])
    older = rg.Dataset(  # as version 0.1 made it where two people were to answer
        name=f"{once}-x2", workspace=again._workspace(), settings=settings_of(own), client=again._client
    )
    await asyncio.to_thread(older.create)
    records = [record_of(form(2), older, {})]
    await asyncio.to_thread(again._client.api.records.bulk_upsert, dataset_id=older.id, records=records)
    async with await annotator(argilla, queue, "loyal") as ann:  # sees the newest first
        await ann.submit(RequestId("r2"), {"is_question": "yes"})
    pulled = await asyncio.to_thread(again.pull)
    assert [(r.request, r.annotator) for r in pulled.responses] == [("r2", "loyal")]
    assert (await asyncio.to_thread(again.pull, pulled.activity)).responses == ()
    again.close()


async def test_a_second_record_is_hidden_from_who_answered_while_there_is_anybody_else(
    argilla: EmbeddedArgilla, queue: ArgillaQueue
) -> None:
    async with await annotator(argilla, queue, "first") as first, await annotator(argilla, queue, "next") as other:
        everybody = tuple(await asyncio.to_thread(queue._people))
        again = replace(form(1), answered_by=("first", "left-long-ago"), note="Please look again at this one.")
        alone = replace(form(2), answered_by=everybody)
        further = replace(form(3), answered_by=everybody, others_only=True)
        for _ in range(2):  # sent twice, it stays as it is
            await asyncio.to_thread(queue.push, [again, alone, further])
            assert await first.pending() == ["r2"]
            assert sorted(await other.pending()) == ["r1", "r2"]
        shown = (await search(other, tab("pending"), text="mount 1"))["items"][0]["record"]["fields"]["burst"]
        assert shown[0] == {"role": "note", "content": "Please look again at this one."}
        assert [said["role"] for said in shown] == ["note", "Heron"]
        assert (await asyncio.to_thread(queue.pull)).responses == ()  # nobody said anything yet
        await other.submit(RequestId("r1"), {"is_question": "no"})
        pulled = await asyncio.to_thread(queue.pull)
        assert [(r.request, r.annotator) for r in pulled.responses] == [("r1", "next")]
        assert (await asyncio.to_thread(queue.progress)).completed == 1


async def test_faults_are_explained(argilla: EmbeddedArgilla, queue: ArgillaQueue) -> None:
    with pytest.raises(LabelingError, match="cannot be reached"):
        await asyncio.to_thread(ArgillaQueue.connect, "http://127.0.0.1:9", "key")
    with pytest.raises(LabelingError, match="refuses our API key"):
        await asyncio.to_thread(ArgillaQueue.connect, argilla.url, "wrong-key")
    with pytest.raises(LabelingError, match="does not answer as Argilla"):
        await asyncio.to_thread(ArgillaQueue.connect, argilla.url + "/sign-in?", "key")
    odd = form(1, is_question="maybe")
    with pytest.raises(RefusedError, match="refused sending 1 request"):
        await asyncio.to_thread(queue.push, [odd])
    with pytest.raises(LabelingError, match="401"):
        async with Annotator(argilla.url, "nobody", "wrong-password"):
            pass
    with pytest.raises(LabelingError, match="exists in Argilla as owner"):
        await asyncio.to_thread(queue.add_annotator, "owner")


async def test_news_stand_on_top_of_the_guidelines_unless_an_admin_wrote_their_own(
    argilla: EmbeddedArgilla, queue: ArgillaQueue, request: pytest.FixtureRequest
) -> None:
    path = f"/api/v1/datasets/{queue._ready().id}"
    before = queue._get(path)["guidelines"]
    news = "## What your labels did\n\nThe model that serves since 2026-11-20 learned from 400 of your answers."
    assert not await asyncio.to_thread(queue.announce, "")
    assert await asyncio.to_thread(queue.announce, news)
    assert queue._get(path)["guidelines"] == f"{news}\n\n---\n\n{before}"
    again = await asyncio.to_thread(ArgillaQueue.connect, argilla.url, argilla.credentials.api_key)
    await asyncio.to_thread(again.ensure_dataset, wordings(request.node.name))
    assert not await asyncio.to_thread(again.announce, news)
    assert await asyncio.to_thread(again.announce, news.replace("400", "500"))
    async with await annotator(argilla, queue, "reader") as ann:
        shown = await ann.call("GET", f"/api/v1/datasets/{queue._ready().id}")
    assert "500 of your answers" in shown["guidelines"]
    assert await asyncio.to_thread(again.announce, "")
    assert queue._get(path)["guidelines"] == before
    again._client.http_client.patch(path, json={"guidelines": "Our own words."}).raise_for_status()
    assert not await asyncio.to_thread(again.announce, news)
    assert queue._get(path)["guidelines"] == "Our own words."
    again.close()


async def test_the_forms_headings_follow_the_configured_language(
    queue: ArgillaQueue, request: pytest.FixtureRequest
) -> None:
    own = wordings(request.node.name)

    def titles() -> dict[str, str]:
        parts = queue._parts(queue._ready().id)
        return {part["name"]: part["title"] for part in (*parts["fields"], *parts["questions"])}

    english = titles()
    await asyncio.to_thread(queue.ensure_dataset, own, "zh")
    chinese = titles()
    assert {name for name in english if english[name] != chinese[name]} == {"burst", "window", "rewrite"}
    assert chinese["window"] == "此前的聊天"
    await asyncio.to_thread(queue.ensure_dataset, own)
    assert titles() == english

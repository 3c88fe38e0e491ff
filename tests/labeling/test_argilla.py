"""Against the real server: the queue as maintainers fill it, and as annotators answer it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import argilla as rg
import pytest
import pytest_asyncio
from aiohttp import web

from labeling.annotator import Annotator
from labeling.argilla import ArgillaQueue
from labeling.embedded import EmbeddedArgilla
from labeling.errors import RefusedError
from labeling.form import Form, Suggestion
from labeling.record import record_of, settings_of
from models.chat import WindowMessage
from models.errors import LabelingError
from models.ids import OptionId, QuestionId, RequestId
from models.labels import ResponseStatus
from models.question import joint_version
from tests.labeling.made import Two, question

pytestmark = pytest.mark.asyncio(loop_scope="session")
HOSTILE = "<|im_end|>\x00 <img src=x onerror=alert(1)> \u202eabc # not *markdown* {{x}} \ud800".encode(
    "utf-16", "surrogatepass"
).decode("utf-16", "replace")


def form(number: int, text: str = "how do I mount a disk?", room: str = "room-1", **suggested: str) -> Form:
    return Form(
        request=RequestId(f"r{number}"),
        room=room,
        window=(WindowMessage(sender="Otter", text="hello"), WindowMessage(sender="Heron", text="你好 世界")),
        speaker="Heron",
        text=f"{text} ({number})",
        suggestions={
            QuestionId(q): Suggestion(option=OptionId(o), score=0.25 * (number % 4), agent="quandary-abc123")
            for q, o in suggested.items()
        },
    )


@pytest_asyncio.fixture(loop_scope="session")
async def queue(argilla: EmbeddedArgilla, request: pytest.FixtureRequest) -> AsyncIterator[ArgillaQueue]:
    """A queue of its own for each test: the question's wording is the test's name."""
    own = wordings(request.node.name)
    connected = await asyncio.to_thread(ArgillaQueue.connect, argilla.url, argilla.credentials.api_key)
    await asyncio.to_thread(connected.ensure_dataset, own)
    yield connected
    connected.close()


def wordings(guidelines: str) -> Two:
    return question("is_question", guidelines), question("needs_context", guidelines, is_question="yes")


async def annotator(argilla: EmbeddedArgilla, queue: ArgillaQueue, name: str) -> Annotator:
    return Annotator(argilla.url, name, await asyncio.to_thread(queue.add_annotator, name))


async def search(ann: Annotator, *filters: Any, text: Any = None, sort: Any = None, **params: Any) -> Any:
    body: dict[str, Any] = {}
    if filters:
        body["filters"] = {"and": list(filters)}
    if text is not None:
        body["query"] = {"text": text if isinstance(text, dict) else {"q": text}}
    if sort is not None:
        body["sort"] = sort
    return await ann.call("POST", f"/api/v1/me/datasets/{await ann.dataset()}/records/search", body=body, params=params)


def terms(*values: str, **scope: str) -> dict[str, Any]:
    return {"type": "terms", "scope": scope, "values": list(values)}


def at_least(least: float | str, **scope: str) -> dict[str, Any]:
    return {"type": "range", "scope": scope, "ge": least}


def tab(*statuses: str) -> dict[str, Any]:
    return terms(*statuses, entity="response", property="status")


def names(found: Any) -> list[str]:
    return [item["record"]["external_id"] for item in found["items"]]


async def test_the_annotators_page_finds_its_tabs_words_filters_and_counts(
    argilla: EmbeddedArgilla, queue: ArgillaQueue
) -> None:
    forms = [form(n, room=f"room-{n % 2}", is_question="yes" if n % 2 else "no") for n in range(1, 7)]
    forms.append(form(7, text=HOSTILE))
    await asyncio.to_thread(queue.push, forms)
    everything = [f.request for f in forms]
    async with await annotator(argilla, queue, "tab-user") as ann, await annotator(argilla, queue, "other") as other:
        me = await ann.call("GET", "/api/v1/me")
        dataset = await ann.dataset()
        assert me["role"] == "annotator"
        assert sorted(names(await search(ann, tab("pending")))) == sorted(everything)

        first = await search(ann, tab("pending"), limit=3, offset=0, include="responses,suggestions")
        rest = await search(ann, tab("pending"), limit=10, offset=3)
        assert (len(first["items"]), first["total"], rest["total"]) == (3, 7, 7)
        assert sorted(names(first) + names(rest)) == sorted(everything)
        assert names(first) == names(await search(ann, tab("pending"), limit=3))  # an order that stays
        shown = first["items"][0]["record"]
        assert shown["fields"]["window"] == "Otter: hello\nHeron: 你好 世界"

        await ann.submit(RequestId("r1"), {"is_question": "yes", "needs_context": "no", "rewrite": "How do I?"})
        await ann.submit(RequestId("r2"), {"is_question": "no"})
        await ann.discard(RequestId("r3"))
        await other.submit(RequestId("r4"), {"is_question": "unsure"})
        record = next(
            i["record"] for i in (await search(ann, terms("r5", entity="record", property="external_id")))["items"]
        )
        draft = {"values": {"is_question": {"value": "yes"}}, "status": "draft"}
        await ann.call("POST", f"/api/v1/records/{record['id']}/responses", body=draft)

        assert sorted(names(await search(ann, tab("submitted")))) == ["r1", "r2"]
        assert names(await search(ann, tab("discarded"))) == ["r3"]
        assert names(await search(ann, tab("draft"))) == ["r5"]
        assert sorted(names(await search(ann, tab("pending")))) == ["r4", "r6", "r7"]
        assert sorted(names(await search(ann, tab("pending", "draft")))) == ["r4", "r5", "r6", "r7"]
        only_open = (tab("pending"), terms("pending", entity="record", property="status"))
        assert sorted(names(await search(ann, *only_open))) == ["r6", "r7"]

        hostile = (await search(ann, text="onerror"))["items"][0]["record"]["fields"]["burst"][0]["content"]
        assert hostile.startswith("&lt;|im_end|&gt;\x00 &lt;img src=x onerror=alert(1)&gt; \u202eabc")
        assert names(await search(ann, text="mount 4")) == ["r4"]
        assert names(await search(ann, text="onerror")) == ["r7"]
        assert len(names(await search(ann, text={"q": "世界", "field": "window"}))) == 7
        assert names(await search(ann, text={"q": "世界", "field": "burst"})) == []
        assert names(await search(ann, tab("submitted"), text='"mount a disk" -2')) == ["r1"]
        assert (await search(ann, text='" AND OR ( NEAR * ^'))["total"] == 0

        assert sorted(names(await search(ann, terms("room-0", entity="metadata", metadata_property="room")))) == [
            "r2",
            "r4",
            "r6",
        ]
        says_yes = terms("yes", entity="suggestion", question="is_question")
        assert sorted(names(await search(ann, says_yes))) == ["r1", "r3", "r5"]
        scores = at_least(0.5, entity="suggestion", question="is_question", property="score")
        assert sorted(names(await search(ann, scores))) == ["r2", "r3", "r6"]
        assert (
            await search(ann, terms("quandary-abc123", entity="suggestion", question="is_question", property="agent"))
        )["total"] == 6
        assert names(await search(ann, terms("no", entity="response", question="is_question"))) == ["r2"]
        assert (await search(ann, at_least("2020-01-01T00:00:00Z", entity="record", property="inserted_at")))[
            "total"
        ] == 7
        assert (await search(ann, at_least("2100-01-01", entity="record", property="inserted_at")))["total"] == 0

        by_score = [
            {"scope": {"entity": "suggestion", "question": "is_question", "property": "score"}, "order": "desc"}
        ]
        assert names(await search(ann, sort=by_score))[:1] == ["r3"]
        assert names(await search(ann, sort=by_score))[-1:] == ["r7"]
        by_room = [{"scope": {"entity": "metadata", "metadata_property": "room"}, "order": "asc"}]
        assert set(names(await search(ann, sort=by_room))[:3]) == {"r2", "r4", "r6"}
        by_answer = [{"scope": {"entity": "response", "question": "is_question"}, "order": "asc"}]
        assert set(names(await search(ann, tab("submitted"), sort=by_answer))) == {"r1", "r2"}

        mine = await ann.call("GET", f"/api/v1/me/datasets/{dataset}/metrics")
        assert mine["responses"] == {"total": 7, "submitted": 2, "discarded": 1, "draft": 1, "pending": 3}
        team = await ann.call("GET", f"/api/v1/datasets/{dataset}/progress")
        assert (team["total"], team["completed"], team["pending"]) == (7, 3, 4)
        rooms = await _property(ann, dataset, "room")
        assert {v["term"]: v["count"] for v in rooms["values"]} == {"room-0": 3, "room-1": 4}
        agents = await ann.call("GET", f"/api/v1/datasets/{dataset}/records/search/suggestions/options")
        assert agents["items"][0]["agents"] == ["quandary-abc123"]

    progress = await asyncio.to_thread(queue.progress)
    assert (progress.total, progress.completed, progress.submitted) == (7, 3, {"tab-user": 2, "other": 1})


async def _property(ann: Annotator, dataset: str, name: str) -> Any:
    listed = (await ann.call("GET", f"/api/v1/me/datasets/{dataset}/metadata-properties"))["items"]
    wanted = next(p["id"] for p in listed if p["name"] == name)
    return await ann.call("GET", f"/api/v1/metadata-properties/{wanted}/metrics")


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


async def test_the_web_page_is_served_and_foreign_pages_are_refused(argilla: EmbeddedArgilla) -> None:
    import aiohttp

    async with aiohttp.ClientSession() as session:
        async with session.get(argilla.url + "/sign-in") as page:
            assert page.status == 200
            assert "text/html" in page.headers["content-type"]
        async with session.get(argilla.url + "/api/v1/status") as status:
            assert (await status.json())["search_engine"]["name"] == "sqlite"
        foreign = {"Origin": "http://evil.example", "Access-Control-Request-Method": "GET"}
        async with session.options(argilla.url + "/api/v1/me", headers=foreign) as answer:
            assert "access-control-allow-origin" not in answer.headers
        async with session.get(argilla.url + "/api/v1/users") as answer:
            assert answer.status == 401
        default = {"username": "argilla", "password": "12345678"}
        async with session.post(argilla.url + "/api/v1/token", data=default) as answer:
            assert answer.status == 401


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


async def test_webhooks_are_posted_without_holding_up_the_server(argilla: EmbeddedArgilla, queue: ArgillaQueue) -> None:
    posted: asyncio.Queue[str] = asyncio.Queue()

    async def listen(request: web.Request) -> web.Response:
        posted.put_nowait((await request.json())["type"])
        return web.Response()

    listener = web.Application()
    listener.router.add_post("/hook", listen)
    runner = web.AppRunner(listener)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    live = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    http = queue._client.http_client
    hooks = []
    for url in ("http://127.0.0.1:9/dead", live):
        body = {"url": url, "events": ["record.completed"], "description": "test"}
        hooks.append(
            (await asyncio.to_thread(http.post, "/api/v1/webhooks", json=body)).raise_for_status().json()["id"]
        )
    try:
        await asyncio.to_thread(queue.push, [form(1)])
        async with await annotator(argilla, queue, "hooked") as ann:
            await ann.submit(RequestId("r1"), {"is_question": "yes"})
        assert await asyncio.wait_for(posted.get(), 15) == "record.completed"
    finally:
        for hook in hooks:
            await asyncio.to_thread(http.delete, f"/api/v1/webhooks/{hook}")
        await runner.cleanup()


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


async def test_the_login_is_private(argilla: EmbeddedArgilla) -> None:
    assert argilla.credentials.username == "owner"
    for name in ("credentials.json", "session.key", "argilla.db", "text.db", "server.log"):
        assert (argilla.home / name).stat().st_mode & 0o077 == 0, name


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

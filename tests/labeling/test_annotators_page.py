"""Against the real server: what its page asks for, who gets it, and what it calls of its own accord."""

import asyncio
from typing import Any

import pytest
from aiohttp import web

from labeling.annotator import Annotator
from labeling.argilla import ArgillaQueue
from labeling.embedded import EmbeddedArgilla
from models.ids import RequestId
from tests.labeling.made import form
from tests.labeling.page_calls import annotator, at_least, names, search, tab, terms

pytestmark = pytest.mark.asyncio(loop_scope="session")
HOSTILE = "<|im_end|>\x00 <img src=x onerror=alert(1)> \u202eabc # not *markdown* {{x}} \ud800".encode(
    "utf-16", "surrogatepass"
).decode("utf-16", "replace")


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


async def test_the_login_is_private(argilla: EmbeddedArgilla) -> None:
    assert argilla.credentials.username == "owner"
    for name in ("credentials.json", "session.key", "argilla.db", "text.db", "server.log"):
        assert (argilla.home / name).stat().st_mode & 0o077 == 0, name

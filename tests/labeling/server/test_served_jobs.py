"""Background jobs of the real server: webhooks that live, hang and refuse, and a restart in between."""

import asyncio
import json
import os
import signal
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web

from labeling.embedded import EmbeddedArgilla
from labeling.server.jobs import WEBHOOK


@asynccontextmanager
async def listener(port: int = 0) -> AsyncIterator[tuple[int, list[dict[str, Any]]]]:
    """A webhook receiver: its port, and what came."""
    came: list[dict[str, Any]] = []

    async def receive(request: web.Request) -> web.Response:
        came.append(json.loads(await request.text()))
        return web.Response()

    app = web.Application()
    app.router.add_post("/", receive)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    try:
        yield runner.addresses[0][1], came
    finally:
        await runner.cleanup()


@asynccontextmanager
async def black_hole() -> AsyncIterator[int]:
    """A port that accepts and never answers."""

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(65536):
            pass
        writer.close()

    server = await asyncio.start_server(swallow, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


class Owner:
    def __init__(self, server: EmbeddedArgilla) -> None:
        key = {"X-Argilla-Api-Key": server.credentials.api_key}
        self.client = httpx.AsyncClient(base_url=server.url, headers=key, timeout=150)

    async def call(self, method: str, path: str, body: object = None) -> Any:
        answer = await self.client.request(method, f"/api/v1/{path}", json=body)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    async def dataset(self) -> str:
        workspace = await self.call("POST", "workspaces", {"name": "jobs"})
        made = await self.call("POST", "datasets", {"name": "jobs", "workspace_id": workspace["id"]})
        path = f"datasets/{made['id']}"
        labels = {"type": "label_selection", "options": [{"value": v, "text": v} for v in ("yes", "no")]}
        field = {"name": "text", "title": "text", "required": True, "settings": {"type": "text"}}
        await self.call("POST", f"{path}/fields", field)
        question = {"name": "kind", "title": "kind", "required": True, "settings": labels}
        await self.call("POST", f"{path}/questions", question)
        await self.call("PUT", f"{path}/publish")
        return str(made["id"])

    async def hook(self, port: int, *events: str) -> str:
        url = f"http://127.0.0.1:{port}/"
        made = await self.call("POST", "webhooks", {"url": url, "events": events, "description": "test"})
        return str(made["id"])

    async def add(self, dataset: str, *texts: str) -> list[str]:
        items = [{"fields": {"text": text}, "external_id": text} for text in texts]
        return [
            r["id"] for r in (await self.call("POST", f"datasets/{dataset}/records/bulk", {"items": items}))["items"]
        ]


async def until(true: Any, within_s: float = 60.0) -> None:
    async with asyncio.timeout(within_s):
        while not true():  # noqa: ASYNC110 - another process is waited for
            await asyncio.sleep(0.05)


def stored(home: Path) -> int:
    with closing(sqlite3.connect(f"file:{home / 'jobs.db'}?mode=ro", uri=True)) as db:
        return int(db.execute("SELECT count(*) FROM job").fetchone()[0])


@pytest.mark.timeout(600)  # for a machine that is busy with other things; it takes some ten seconds
async def test_dead_webhooks_drown_nothing_and_events_survive_a_kill(tmp_path: Path) -> None:
    server = EmbeddedArgilla(tmp_path, start_timeout_s=170.0)
    await server.start()
    try:
        owner = Owner(server)
        dataset = await owner.dataset()
        async with listener() as (live, _), listener() as (closed, _):
            pass  # both ports are known now, and refuse
        async with black_hole() as silent, listener(live) as (_, came):
            await owner.hook(silent, "record.created", "record.updated")
            await owner.hook(closed, "record.created", "record.updated")
            await owner.hook(live, "record.created")
            records = await owner.add(dataset, *(f"text {n}" for n in range(WEBHOOK.waiting_max + 5)))
            # The one that lives gets the latest events, in order, though two that are dead have as many.
            await until(lambda: came and came[-1]["data"]["external_id"] == f"text {WEBHOOK.waiting_max + 4}")
            assert [e["type"] for e in came] == ["record.created"] * len(came)
            assert len(came) >= WEBHOOK.waiting_max
            # What the dead ones have waiting is bounded, on disk too.
            await until(lambda: stored(tmp_path) <= 2 * (WEBHOOK.waiting_max + 1))
            # Argilla's own jobs go on, such as the one that sets right which records are completed.
            answer = {"status": "submitted", "values": {"kind": {"value": "yes"}}}
            await owner.call("POST", f"records/{records[0]}/responses", answer)
            with closing(sqlite3.connect(tmp_path / "argilla.db", timeout=30)) as db, db:
                db.execute("UPDATE records SET status = 'pending'")
            begun = time.monotonic()
            await owner.call("PATCH", f"datasets/{dataset}", {"guidelines": "new"})
            assert time.monotonic() - begun < 8  # nothing waits for the hook that hangs for 10 s
            async with asyncio.timeout(60):
                while (await owner.call("GET", f"datasets/{dataset}/progress"))["completed"] != 1:  # noqa: ASYNC110 - as above
                    await asyncio.sleep(0.1)
        pid = server.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await server.stop()
        left = stored(tmp_path)
        assert left > WEBHOOK.waiting_max
        await server.start()
        async with listener(closed) as (_, came):  # the one that refused is back
            await until(lambda: len(came) >= 5)
            assert came[0]["data"]["external_id"] != came[1]["data"]["external_id"]
        await owner.client.aclose()
    finally:
        await server.stop()

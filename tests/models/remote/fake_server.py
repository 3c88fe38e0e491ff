"""A model server that misbehaves on demand: OpenAI's protocol on loopback, each answer as the test says."""

import asyncio
from typing import Self

from aiohttp import web

from models.remote.loop import LoopThread

GOOD = {"A": -0.4, "B": -1.4, "C": -3.0, "D": -6.0}


def completion(top: dict[str, float]) -> dict:
    return {"choices": [{"text": "A", "logprobs": {"tokens": ["A"], "top_logprobs": [top]}}]}


def chat(top: dict[str, float]) -> dict:
    listed = [{"token": token, "logprob": nats} for token, nats in top.items()]
    return {"choices": [{"message": {"content": "A"}, "logprobs": {"content": [{"top_logprobs": listed}]}}]}


def status(code: int):
    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"error": {"message": await request.text()}}, status=code)

    return answer


def says(body: bytes, kind: str = "application/json"):
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type=kind)

    return answer


def slow(seconds: float):
    async def answer(request: web.Request) -> web.Response:
        await asyncio.sleep(seconds)
        return await good(request)

    return answer


async def hangs_up(request: web.Request) -> web.Response:
    request.transport.abort()
    return web.Response()


async def redirects(_: web.Request) -> web.Response:
    raise web.HTTPTemporaryRedirect("http://127.0.0.1:9/elsewhere")


async def good(request: web.Request) -> web.Response:
    return web.json_response(chat(GOOD) if request.path.endswith("chat/completions") else completion(GOOD))


class FakeServer:
    """``next`` holds the coming answers, one a request; after them ``then`` answers. ``seen`` holds what was asked."""

    def __init__(self) -> None:
        self.next: list = []
        self.then = good
        self.seen: list[tuple[str, dict, dict]] = []
        self.at_once = self.most_at_once = 0

    def __enter__(self) -> Self:
        self._loop = LoopThread("fake-server")
        self._loop.run(self._start())
        return self

    def __exit__(self, *_) -> None:
        self._loop.run(self._runner.cleanup())
        self._loop.close()

    async def _start(self) -> None:
        app = web.Application()
        app.router.add_post("/v1/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.seen.append((request.match_info["path"], await request.json(), dict(request.headers)))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return await (self.next.pop(0) if self.next else self.then)(request)
        finally:
            self.at_once -= 1

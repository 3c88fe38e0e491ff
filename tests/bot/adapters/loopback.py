"""An aiohttp server on loopback, and a sender that repeats itself until it hears 200, as platforms do."""

import asyncio

import aiohttp
from aiohttp import web


class Loopback:
    """``routes``: (verb, path, handler). ``broken`` is how many of the next requests are answered 502."""

    def __init__(self, routes):
        self.broken = 0
        app = web.Application(middlewares=[self._break])
        for verb, path, handler in routes:
            app.router.add_route(verb, path, handler)
        self.runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)

    async def __aenter__(self):
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self.runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_):
        await self.runner.cleanup()

    @web.middleware
    async def _break(self, request, handler):
        if self.broken > 0:
            self.broken -= 1
            return web.Response(status=502, text="<html>Bad Gateway</html>", content_type="text/html")
        return await handler(request)


class Pusher:
    """Posts what it is given, in order of first tries, until it is taken; ``address`` tells where to at the moment."""

    def __init__(self, address):
        self.address = address
        self.taken, self.statuses, self.answers = set(), [], []
        self._tasks = set()

    async def __aenter__(self):
        self._session = aiohttp.ClientSession()
        return self

    async def __aexit__(self, *_):
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._session.close()

    def push(self, key, request):
        """``request()`` makes headers and body anew for each try."""
        task = asyncio.create_task(self._until_taken(key, request))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def once(self, headers, body, verb="POST"):
        async with self._session.request(verb, self.address(), data=body, headers=headers) as response:
            return response.status, await response.text()

    async def _until_taken(self, key, request):
        while key not in self.taken:
            try:
                status, answer = await self.once(*request())
                self.statuses.append(status)
                if status == 200:
                    self.answers.append(answer)
                    self.taken.add(key)
                    return
            except aiohttp.ClientError:
                pass  # nobody listens yet, or no longer
            await asyncio.sleep(0.03)

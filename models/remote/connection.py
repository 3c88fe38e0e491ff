"""Posting JSON to a model server: bounded in time, tried again with growing pauses where that may help."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import aiohttp

from models.errors import ModelError
from models.remote.letters import Unreadable, letter_scores, top_tokens
from models.remote.wire import Asked
from models.settings import ServerSettings

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0
SERVER_FAULT = 500
WORTH_ANOTHER_TRY = frozenset({408, 425, 429})
CHECK = {401: "api_key_env", 403: "api_key_env", 404: "url and model"}
"""Which settings to look at after a refusal."""

Sleep = Callable[[float], Awaitable[None]]


class _Passing(Exception):  # noqa: N818 - a reason to try again, never seen outside this file
    """Trouble that may be gone at the next try."""


def pause_s(attempt: int, draw: float) -> float:
    """How long to wait after failed attempt 0, 1, ...: doubling, capped, between half and all of it by ``draw`` (0..1).

    The draw keeps many clients of one server from coming back all at once.
    """
    doubled: float = FIRST_PAUSE_S * 2.0**attempt
    return min(LONGEST_PAUSE_S, doubled) * (0.5 + draw / 2)


class Connection:
    """A session with the server of [decide.server]; used in one event loop. ``url`` and ``model`` are needed."""

    def __init__(
        self,
        server: ServerSettings,
        key: str | None,
        *,
        sleep: Sleep = asyncio.sleep,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._server = server
        self._url = (server.url or "").rstrip("/")
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._sleep = sleep
        self._draw = draw
        self._session: aiohttp.ClientSession | None = None
        self._places = asyncio.Semaphore(server.concurrency)

    async def scores(self, asked: Asked, began: Callable[[], None] = lambda: None) -> list[float]:
        """Log-probabilities of the letters (nats); ``began`` is called once it is this request's turn.

        Raises ModelError where the server refuses, or fails at every try.
        """
        async with self._places:
            began()
            for attempt in range(self._server.retries + 1):
                try:
                    return await self._post(asked)
                except _Passing as trouble:
                    if attempt == self._server.retries:
                        raise ModelError(
                            f"the model server at {self._url} failed {attempt + 1} times, at last so: {trouble}"
                        ) from trouble
                await self._sleep(pause_s(attempt, self._draw()))
            raise AssertionError("the last attempt returns or raises")

    async def close(self) -> None:
        """End the session."""
        if self._session is not None:
            await self._session.close()

    async def _post(self, asked: Asked) -> list[float]:
        if self._session is None:  # made here, because a session belongs to the loop that it is made in
            timeout = aiohttp.ClientTimeout(total=self._server.timeout_s)
            self._session = aiohttp.ClientSession(headers=self._headers, timeout=timeout)
        try:
            # A redirect would carry the chat to a place that nobody configured.
            async with self._session.post(
                f"{self._url}/{asked.path}", json=asked.body, allow_redirects=False
            ) as response:
                if response.status != 200:
                    self._refused(response.status)
                return letter_scores(top_tokens(await response.json(content_type=None)), asked.letters)
        except TimeoutError as error:
            raise _Passing(f"no answer within {self._server.timeout_s:g} s") from error
        except aiohttp.ClientError as error:
            raise _Passing(f"no connection ({error})") from error
        except Unreadable as error:
            raise _Passing(f"its answer cannot be used: {error}") from error
        except ValueError as error:
            raise _Passing(f"its answer is no JSON ({error})") from error

    def _refused(self, status: int) -> None:
        """What the server says about it is not told: it may repeat what was said in the chat."""
        if status >= SERVER_FAULT or status in WORTH_ANOTHER_TRY:
            raise _Passing(f"status {status}")
        raise ModelError(
            f"the model server at {self._url} refused with status {status}; "
            f"check {CHECK.get(status, 'model, prompt and top_logprobs')} of [decide.server]"
        )

"""Calling Lark's open platform: the access token, retries, rate limits, and what its error codes mean."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Self

import aiohttp

from bot.adapters.backoff import Backoff
from models.errors import PlatformError
from models.settings import LarkSettings, secret

TRIES = 4
EARLY_S = 300.0
"""A token is renewed this long before it ends."""
WAITED_MAX_S = 30.0
"""A rate limit that lasts longer is an error."""
_BAD_TOKEN = frozenset({99991661, 99991663, 99991664, 99991668, 99991671})
_LIMITED = frozenset({99991400, 230020, 11232})
_HTTP_LIMITED, _HTTP_BROKEN = 429, 500
_RESET = "x-ogw-ratelimit-reset"
_TIMEOUT = aiohttp.ClientTimeout(total=15)


class LarkError(PlatformError):
    """Lark understood a call and said no; ``code`` is its error code."""

    def __init__(self, what: str, code: int, said: str) -> None:
        super().__init__(f"Lark refused {what}: {said} (code {code}); has the app the permission for it?")
        self.code = code


class LarkCalls:
    """A connection to the open platform; ``async with LarkCalls(...)``."""

    def __init__(self, settings: LarkSettings, backoff: Backoff) -> None:
        self._settings = settings
        self._app_secret = secret(settings.app_secret_env)
        self._backoff = backoff
        self._session: aiohttp.ClientSession | None = None
        self._token = ""
        self._token_until = 0.0

    async def __aenter__(self) -> Self:
        """Get a token; raises PlatformError where the app's credentials are not good."""
        self._session = aiohttp.ClientSession(timeout=_TIMEOUT)
        try:
            await self._renew()
        except BaseException:
            await self._session.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connection."""
        if self._session is not None:
            await self._session.close()

    async def call(self, verb: str, path: str, body: Mapping[str, object] | None = None) -> Mapping[str, Any]:
        """Call ``/open-apis/<path>`` and return the whole answer; raises LarkError, or PlatformError.

        What may be sent twice by this carries a ``uuid`` in its body, by which Lark knows it.
        """
        for _ in range(2):
            if time.monotonic() > self._token_until:
                await self._renew()
            answer = await self._send(verb, path, body, {"Authorization": f"Bearer {self._token}"})
            if answer["code"] not in _BAD_TOKEN:
                break
            self._token_until = 0.0  # it was taken back early
        if answer["code"] != 0:
            raise LarkError(f"{verb} {path}", answer["code"], str(answer.get("msg")))
        return answer

    async def _renew(self) -> None:
        credentials = {"app_id": self._settings.app_id, "app_secret": self._app_secret}
        answer = await self._send("POST", "auth/v3/tenant_access_token/internal", credentials, {})
        if answer["code"] != 0:
            raise PlatformError(
                f"Lark does not accept the app {self._settings.app_id} with the secret in "
                f"{self._settings.app_secret_env}: {answer.get('msg')} (code {answer['code']}); the developer console "
                "shows both"
            )
        self._token = str(answer["tenant_access_token"])
        self._token_until = time.monotonic() + max(0.0, float(answer.get("expire", 0)) - EARLY_S)

    async def _send(
        self, verb: str, path: str, body: Mapping[str, object] | None, headers: Mapping[str, str]
    ) -> dict[str, Any]:
        if self._session is None:
            raise RuntimeError("LarkCalls is used with `async with`")
        url, trouble, waited_s = f"{self._settings.base_url.rstrip('/')}/open-apis/{path}", "", 0.0
        for attempt in range(TRIES):
            if attempt:
                await asyncio.sleep(self._backoff.failed())
            try:
                async with self._session.request(verb, url, json=body, headers=headers) as response:
                    answer = await response.json(content_type=None)
                    status, reset = response.status, response.headers.get(_RESET, "")
            except (aiohttp.ClientError, TimeoutError, ValueError) as error:
                trouble = repr(error)
                continue
            if not isinstance(answer, dict) or not isinstance(answer.get("code"), int) or status >= _HTTP_BROKEN:
                trouble = f"HTTP status {status}"
            elif status == _HTTP_LIMITED or answer["code"] in _LIMITED:
                trouble = "too many calls"
                waited_s += (wait_s := float(reset) if reset.isdigit() else 1.0)
                if waited_s > WAITED_MAX_S:
                    break
                await asyncio.sleep(wait_s)
            else:
                self._backoff.worked()
                return answer
        raise PlatformError(f"{url} gave no answer: {trouble}; is the network there, and base_url in [lark] right?")

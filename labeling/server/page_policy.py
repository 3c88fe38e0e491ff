"""What the browser may do on Argilla's page: run its own scripts, talk to its own server, and nothing else.

Argilla's stylesheet imports fonts from another host. That tells this host who labels and when, and a page without
internet waits for it for half a minute. The same rule keeps a script in chat text from running, should it ever
reach the page as markup.
"""

import re
from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_BASE_URL = "@@baseUrl@@"
"""Argilla replaces it when it starts; we serve from the root, so by nothing."""


def policy_for(pages: Iterable[str]) -> str:
    """Write the Content-Security-Policy under which these HTML pages work: of inline scripts only theirs run."""
    scripts = {script for page in pages for script in _INLINE_SCRIPT.findall(page.replace(_BASE_URL, ""))}
    hashes = sorted(f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" for script in scripts)
    return "; ".join(
        (
            "default-src 'self'",
            " ".join(("script-src 'self'", *hashes)),
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


def argilla_policy() -> str:
    """The policy of the pages that the installed Argilla serves."""
    import argilla_server  # noqa: PLC0415 - it reads its environment at import

    static = Path(argilla_server.__file__).parent / "static"
    return policy_for(page.read_text(encoding="utf-8") for page in sorted(static.rglob("*.html")))


class PagePolicy:
    """ASGI middleware that sends ``policy`` with every answer, and no address of ours to other hosts."""

    def __init__(self, app: ASGIApp, policy: str) -> None:
        self._app = app
        self._policy = policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def send_with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = self._policy
                headers["Referrer-Policy"] = "no-referrer"
                headers["X-Content-Type-Options"] = "nosniff"
            await send(message)

        await self._app(scope, receive, send_with_policy if scope["type"] == "http" else send)

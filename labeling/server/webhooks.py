"""Posting Argilla's webhooks without holding up the event loop."""

import json
from datetime import UTC, datetime
from functools import cache
from uuid import UUID

import httpx
from argilla_server.database import AsyncSessionLocal
from argilla_server.models import Webhook
from argilla_server.webhooks.v1 import commons
from standardwebhooks.webhooks import Webhook as Signer

TIMEOUT_S = 10.0


async def notify(webhook_id: UUID, event: str, timestamp: datetime, payload: dict[str, object]) -> None:
    """Post one event, as Argilla's own job does, which would do it in the event loop for up to 20 s.

    An event of a webhook that is gone or switched off by now is let go. Raises httpx.HTTPError for a failed post.
    """
    async with AsyncSessionLocal() as session:
        webhook = await Webhook.get(session, webhook_id)
    if webhook is None or not webhook.enabled:
        return
    name, now = f"msg_{webhook_id.hex}{timestamp:%Y%m%d%H%M%S%f}", datetime.now(UTC)
    body = json.dumps(commons._build_payload(event, timestamp, payload))  # noqa: SLF001 - the format is Argilla's
    headers = {
        "webhook-id": name,  # the same at every attempt, so that a receiver can tell a repetition
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Signer(webhook.secret).sign(name, now, body),
        "content-type": "application/json",
    }
    (await _client().post(webhook.url, headers=headers, content=body)).raise_for_status()


async def close() -> None:
    """Close the connections to webhooks, if there were any."""
    if _client.cache_info().currsize:
        await _client().aclose()


@cache
def _client() -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=TIMEOUT_S)  # one for all: making one reads all certificates, for tens of ms

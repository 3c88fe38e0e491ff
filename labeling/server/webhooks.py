"""Posting Argilla's webhooks without holding up the event loop."""

import asyncio
from datetime import datetime
from uuid import UUID

from argilla_server.database import AsyncSessionLocal
from argilla_server.models import Webhook
from argilla_server.webhooks.v1.commons import notify_event


async def notify(webhook_id: UUID, event: str, timestamp: datetime, payload: dict[str, object]) -> None:
    """Post one event from a thread: Argilla's own job does it in the event loop, for up to 20 s."""
    async with AsyncSessionLocal() as session:
        webhook = await Webhook.get_or_raise(session, webhook_id)
    response = await asyncio.to_thread(notify_event, webhook, event, timestamp, payload)
    response.raise_for_status()

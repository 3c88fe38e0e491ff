"""An annotator, and the calls that Argilla's page makes for one."""

import asyncio
from typing import Any

from labeling.annotator import Annotator
from labeling.argilla import ArgillaQueue
from labeling.embedded import EmbeddedArgilla


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

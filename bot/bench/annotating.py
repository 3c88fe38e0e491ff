"""Annotators at work in Argilla's page, as many as are wanted at once: how long each of its calls takes."""

import asyncio
import random
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from time import perf_counter
from typing import Any

from labeling.annotator import Annotator
from labeling.similarity import WORDING

_STATUS = {"entity": "response", "property": "status"}
PENDING = (
    {"type": "terms", "scope": _STATUS, "values": ["pending"]},
    {"type": "terms", "scope": {"entity": "record", "property": "status"}, "values": ["pending"]},
)
_PAGE = "include=responses&include=suggestions&offset=0"
_LOOKS_EVERY = 4

Times = Mapping[str, Sequence[float]]


async def annotate(
    url: str, people: Mapping[str, str], question: str, words: Sequence[str], *, items: int, pause_s: float, seed: int
) -> dict[str, list[float]]:
    """Have people (password by name) answer ``items`` records each, at once; returns seconds by call.

    For every record the page asks for the next ones, sends the answer and asks for both kinds of progress. Every fourth
    time they also search for a word, filter and sort by score, look for similar records, and open the filters.
    """
    times: dict[str, list[float]] = defaultdict(list)
    async with AsyncExitStack() as stack:
        at_work = [await stack.enter_async_context(Annotator(url, name, pw)) for name, pw in people.items()]
        async with asyncio.TaskGroup() as group:
            for number, person in enumerate(at_work):
                shift = _Shift(person, times, random.Random(seed + number), question, words)  # noqa: S311 - a load
                group.create_task(shift.work(items, pause_s))
    return times


def summary(times: Times) -> dict[str, dict[str, float]]:
    """Give median and 95th percentile in milliseconds, and the number of calls, for each call and for ``all``."""
    whole = {**times, "all": [s for each in times.values() for s in each]}
    return {
        name: {
            "p50_ms": round(1000 * statistics.median(each), 1),
            "p95_ms": round(1000 * sorted(each)[max(0, -(-95 * len(each) // 100) - 1)], 1),
            "calls": len(each),
        }
        for name, each in whole.items()
        if each
    }


class _Shift:
    """One annotator's calls."""

    def __init__(
        self,
        person: Annotator,
        times: dict[str, list[float]],
        draw: random.Random,
        question: str,
        words: Sequence[str],
    ) -> None:
        self._person = person
        self._times = times
        self._draw = draw
        self._question = question
        self._words = words

    async def work(self, items: int, pause_s: float) -> None:
        dataset = await self._person.dataset()
        for item in range(items):
            found = await self._search("list", PENDING)
            record = self._draw.choice(found["items"])["record"]  # another than the others have
            if item % _LOOKS_EVERY == 0:
                await self._look(dataset, record["id"])
            answer = {"status": "submitted", "values": {self._question: {"value": self._draw.choice(("yes", "no"))}}}
            await self._timed("submit", "POST", f"/api/v1/records/{record['id']}/responses", answer)
            await self._timed("progress", "GET", f"/api/v1/datasets/{dataset}/progress")
            await self._timed("metrics", "GET", f"/api/v1/me/datasets/{dataset}/metrics")
            await asyncio.sleep(pause_s)

    async def _look(self, dataset: str, record: str) -> None:
        await self._search("search", PENDING, query={"text": {"q": self._draw.choice(self._words)}})
        suggested = {"entity": "suggestion", "question": self._question, "property": "score"}
        filters = (*PENDING, {"type": "range", "scope": suggested, "ge": 0.4, "le": 0.6})
        await self._search("filter", filters, sort=[{"scope": suggested, "order": "asc"}])
        similar = {"name": WORDING, "record_id": record, "max_results": 50, "order": "most_similar"}
        await self._search("similar", PENDING, limit=50, query={"vector": similar})
        listed = await self._timed("filters", "GET", f"/api/v1/me/datasets/{dataset}/metadata-properties")
        await self._timed("filters", "GET", f"/api/v1/datasets/{dataset}/records/search/suggestions/options")
        room = next(each["id"] for each in listed["items"] if each["name"] == "room")
        await self._timed("metadata", "GET", f"/api/v1/metadata-properties/{room}/metrics")

    async def _search(self, name: str, filters: Sequence[object], limit: int = 10, **more: object) -> Any:
        path = f"/api/v1/me/datasets/{await self._person.dataset()}/records/search?{_PAGE}&limit={limit}"
        return await self._timed(name, "POST", path, {"filters": {"and": list(filters)}} | more)

    async def _timed(self, name: str, method: str, path: str, body: object = None) -> Any:
        begun = perf_counter()
        answer = await self._person.call(method, path, body=body)
        self._times[name].append(perf_counter() - begun)
        return answer

"""Argilla's search engine on SQLite.

Only text and vectors are indexed (``indexes``). Everything else, be it status, metadata, suggestions or responses, is
asked of Argilla's own tables when it is needed, so most of the hooks that keep an index up to date have nothing to do.
"""

import asyncio
import json
import zlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

from argilla_server.database import AsyncSessionLocal
from argilla_server.enums import SimilarityOrder
from argilla_server.errors.future import UnprocessableEntityError
from argilla_server.models import Dataset, MetadataProperty, Record, Response, Suggestion, User, VectorSettings
from argilla_server.search_engine.base import (
    Filter,
    MetadataMetrics,
    Order,
    SearchEngine,
    SearchResponseItem,
    SearchResponses,
    TextQuery,
)
from sqlalchemy import Select, func, literal_column, select

from labeling.server import indexes, progress
from labeling.server.conditions import condition, looks_into_values, ordering
from labeling.server.environment import ENGINE
from labeling.server.indexes import text_index, vector_index
from labeling.server.vector_index import Ranking

_PRIME = 2**31 - 1
_FIRST_LOOK = 500


@SearchEngine.register(ENGINE)
class SqliteSearchEngine(SearchEngine):  # type: ignore[misc]  # argilla_server has no types
    """Search, counts and indexes of an embedded Argilla."""

    @classmethod
    async def new_instance(cls) -> "SqliteSearchEngine":
        """Make an engine for one request."""
        return cls()

    async def close(self) -> None:
        """End a request; the index stays open."""

    async def ping(self) -> bool:
        """Tell Argilla's start-up check that all is well."""
        return True

    async def info(self) -> dict[str, Any]:
        """Say what this is, for /api/v1/status."""
        return {"name": ENGINE, "indexes": [indexes.TEXT_FILE, indexes.VECTOR_FILE]}

    async def create_index(self, dataset: Dataset) -> None:
        """Nothing to do: a published dataset has no records yet."""

    async def delete_index(self, dataset: Dataset) -> None:
        """Forget a deleted dataset's text and vectors."""
        await asyncio.to_thread(indexes.remove_dataset, dataset.id.hex)

    async def configure_metadata_property(self, dataset: Dataset, metadata_property: MetadataProperty) -> None:
        """Nothing to do: metadata is not indexed."""

    async def configure_index_vectors(self, vector_settings: VectorSettings) -> None:
        """Nothing to do: vectors of any length go into one table."""

    async def index_records(self, dataset: Dataset, records: Iterable[Record]) -> None:
        """Index the text and the vectors of new or changed records."""
        changed = list(records)
        async with AsyncSessionLocal() as session:
            images = await indexes.image_fields(session, dataset.id)
        await asyncio.to_thread(indexes.put, [indexes.indexed(record, images) for record in changed])

    async def partial_record_update(self, record: Record, **update: Any) -> None:
        """Nothing to do: a record's status is not indexed."""

    async def delete_records(self, dataset: Dataset, records: Iterable[Record]) -> None:  # noqa: ARG002 - its interface
        """Forget deleted records' text and vectors."""
        await asyncio.to_thread(indexes.remove, [record.id.hex for record in records])

    async def update_record_response(self, response: Response) -> None:
        """Nothing to do: responses are not indexed."""

    async def delete_record_response(self, response: Response) -> None:
        """Nothing to do: responses are not indexed."""

    async def update_record_suggestion(self, suggestion: Suggestion) -> None:
        """Nothing to do: suggestions are not indexed."""

    async def delete_record_suggestion(self, suggestion: Suggestion) -> None:
        """Nothing to do: suggestions are not indexed."""

    async def get_dataset_progress(self, dataset: Dataset) -> dict[str, int]:
        """Count a dataset's records by status."""
        async with AsyncSessionLocal() as session:
            return await progress.of_dataset(session, dataset)

    async def get_dataset_user_progress(self, dataset: Dataset, user: User) -> dict[str, int]:
        """Count a user's responses by status."""
        async with AsyncSessionLocal() as session:
            return await progress.of_user(session, dataset, user)

    async def compute_metrics_for(self, metadata_property: MetadataProperty) -> MetadataMetrics:
        """Summarise a metadata property."""
        async with AsyncSessionLocal() as session:
            return await progress.of_property(session, metadata_property)

    async def search(
        self,
        dataset: Dataset,
        query: TextQuery | str | None = None,
        filter: Filter | None = None,  # noqa: A002 - the name is Argilla's
        sort: list[Order] | None = None,
        offset: int = 0,
        limit: int = 100,
        user_id: Any = None,
    ) -> SearchResponses:
        """Find records. Without ``sort`` the best match comes first, or else an order of each user's own.

        That order is fixed for a user and differs between users, so that several people working on one queue do not
        all begin with the same records.
        """
        found = select(Record.id).where(Record.dataset_id == dataset.id)
        if filter is not None:
            found = found.where(condition(filter))
        scores: dict[str, float] = {}
        order: list[Any] = [ordering(one) for one in sort or []]
        if query is not None:
            scores = await _text_scores(dataset, query)
            matches = _as_table(list(scores))
            found = found.join(matches, matches.c.value == literal_column("records.id"))
            order.append(matches.c.key)
        elif user_id is not None:
            seed = zlib.crc32(str(user_id).encode()) % (_PRIME - 1) + 1
            order.append((literal_column("records.rowid") * seed) % _PRIME)
        order += [Record.inserted_at, Record.id]
        at_once = query is not None or (filter is not None and looks_into_values(filter))
        ids, total = await _page_of(found, order, offset, limit, at_once=at_once)
        items = [SearchResponseItem(record_id=record, score=scores.get(record.hex)) for record in ids]
        return SearchResponses(items=items, total=total)

    async def similarity_search(
        self,
        dataset: Dataset,
        vector_settings: VectorSettings,
        value: list[float] | None = None,
        record: Record | None = None,
        query: TextQuery | str | None = None,
        filter: Filter | None = None,  # noqa: A002 - the name is Argilla's
        max_results: int = 100,
        order: SimilarityOrder = SimilarityOrder.most_similar,
        threshold: float | None = None,
    ) -> SearchResponses:
        """Find the records nearest to a vector, or to a record's, which itself is left out; best first.

        Scores are as Elasticsearch gives them for cosines, 0 to 1. ``total`` counts what is returned.
        """
        wanted = value or (record.vector_value_by_vector_settings(vector_settings) if record is not None else None)
        if not wanted or len(wanted) != vector_settings.dimensions:
            raise UnprocessableEntityError(
                f"vector {vector_settings.name!r} has {vector_settings.dimensions} numbers, not {len(wanted or ())}"
            )
        farthest = order == SimilarityOrder.least_similar
        ranking = await asyncio.to_thread(
            lambda: vector_index().nearest(vector_settings.id.hex, wanted, farthest=farthest)
        )
        matching = None if query is None else await _text_scores(dataset, query)
        own = record.id.hex if record is not None else None

        def wanted_of(part: Sequence[tuple[str, float]]) -> dict[str, float]:
            return {
                name: score
                for name, score in part
                if name != own and (threshold is None or score >= threshold) and (matching is None or name in matching)
            }

        found = select(Record.id).where(Record.dataset_id == dataset.id)
        if filter is not None:
            found = found.where(condition(filter))
        items = await _first_that_match(found, ranking, wanted_of, max_results)
        return SearchResponses(items=items, total=len(items))


async def _text_scores(dataset: Dataset, query: TextQuery | str) -> dict[str, float]:
    """Look a query up in the text index: score by record, best first."""
    wanted = query if isinstance(query, TextQuery) else TextQuery(q=query)
    return dict(await asyncio.to_thread(text_index().search, dataset.id.hex, wanted.q, wanted.field))


async def _page_of(
    found: Select[Any], order: list[Any], offset: int, limit: int, *, at_once: bool
) -> tuple[list[UUID], int]:
    """Ids of one page, and how many there are in all.

    ``at_once`` counts in the same pass: dearer by the record, but what is found is looked for once.
    """
    page = found.order_by(*order).offset(offset).limit(limit)
    counting = select(func.count()).select_from(found.subquery())
    async with AsyncSessionLocal() as session:
        if not at_once:
            total = await session.scalar(counting)
            return list(await session.scalars(page)), total or 0
        rows = (await session.execute(page.add_columns(func.count().over()))).all()
        if rows:
            return [record for record, _ in rows], rows[0][1]
        return [], (await session.scalar(counting) or 0) if offset else 0


async def _first_that_match(
    found: Select[Any],
    ranking: Ranking,
    wanted_of: Callable[[Sequence[tuple[str, float]]], dict[str, float]],
    wanted: int,
) -> list[SearchResponseItem]:
    """Walk down a ranking, in growing steps, until enough records are among those of a query."""
    items: list[SearchResponseItem] = []
    start, step = 0, max(_FIRST_LOOK, 2 * wanted)
    async with AsyncSessionLocal() as session:
        while len(items) < wanted and start < len(ranking):
            part = wanted_of(ranking.part(start, start + step))
            looked_at = _as_table(list(part))
            matching = found.join(looked_at, looked_at.c.value == literal_column("records.id"))
            ids = await session.scalars(matching.order_by(looked_at.c.key).limit(wanted - len(items)))
            items += [SearchResponseItem(record_id=record, score=part[record.hex]) for record in ids]
            start, step = start + step, 4 * step
    return items


def _as_table(records: list[str]) -> Any:
    """Pass ids as one JSON parameter, in their order: a list of any length, where IN has a limit.

    Materialized, for SQLite would else parse the list anew for every record that it is joined with.
    """
    listed = func.json_each(json.dumps(records)).table_valued("key", "value")
    return select(listed.c.key, listed.c.value).cte("listed").prefix_with("MATERIALIZED")

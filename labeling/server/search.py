"""Argilla's search engine on SQLite.

Only text is indexed (``text_index``). Everything else, be it status, metadata, suggestions or responses, is asked of
Argilla's own tables when it is needed, so most of the hooks that keep an index up to date have nothing to do.
"""

import asyncio
import json
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from argilla_server.database import AsyncSessionLocal
from argilla_server.enums import DatasetStatus
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
from argilla_server.settings import settings
from sqlalchemy import func, literal_column, select

from labeling.server import progress
from labeling.server.conditions import condition, ordering
from labeling.server.environment import ENGINE
from labeling.server.text_index import Entry, TextIndex

INDEX_FILE = "text.db"
_REINDEX_BATCH = 500
_PRIME = 2**31 - 1

_index: TextIndex | None = None


def text_index() -> TextIndex:
    """Give the one open text index: Argilla builds an engine for each request, so it cannot live there."""
    global _index  # noqa: PLW0603 - see above
    if _index is None:
        _index = TextIndex(Path(settings.home_path) / INDEX_FILE)
    return _index


@SearchEngine.register(ENGINE)
class SqliteSearchEngine(SearchEngine):  # type: ignore[misc]  # argilla_server has no types
    """Search, counts and the text index of an embedded Argilla. Similarity search is not supported."""

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
        return {"name": ENGINE, "index": INDEX_FILE}

    async def create_index(self, dataset: Dataset) -> None:
        """Nothing to do: a published dataset has no records yet."""

    async def delete_index(self, dataset: Dataset) -> None:
        """Forget a deleted dataset's text."""
        await asyncio.to_thread(text_index().remove_dataset, dataset.id.hex)

    async def configure_metadata_property(self, dataset: Dataset, metadata_property: MetadataProperty) -> None:
        """Nothing to do: metadata is not indexed."""

    async def configure_index_vectors(self, vector_settings: VectorSettings) -> None:
        """Nothing to do: vectors are kept by Argilla, but not searched."""

    async def index_records(self, dataset: Dataset, records: Iterable[Record]) -> None:  # noqa: ARG002 - its interface
        """Index the text of new or changed records."""
        await asyncio.to_thread(text_index().put, [_entry(record) for record in records])

    async def partial_record_update(self, record: Record, **update: Any) -> None:
        """Nothing to do: a record's status is not indexed."""

    async def delete_records(self, dataset: Dataset, records: Iterable[Record]) -> None:  # noqa: ARG002 - its interface
        """Forget deleted records' text."""
        await asyncio.to_thread(text_index().remove, [record.id.hex for record in records])

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
            wanted = query if isinstance(query, TextQuery) else TextQuery(q=query)
            scores = dict(await asyncio.to_thread(text_index().search, dataset.id.hex, wanted.q, wanted.field))
            matches = _as_table(list(scores))
            found = found.join(matches, matches.c.value == literal_column("records.id"))
            order.append(matches.c.key)
        elif user_id is not None:
            seed = zlib.crc32(str(user_id).encode()) % (_PRIME - 1) + 1
            order.append((literal_column("records.rowid") * seed) % _PRIME)
        order += [Record.inserted_at, Record.id]
        async with AsyncSessionLocal() as session:
            total = await session.scalar(select(func.count()).select_from(found.subquery()))
            ids = (await session.scalars(found.order_by(*order).offset(offset).limit(limit))).all()
        items = [SearchResponseItem(record_id=record, score=scores.get(record.hex)) for record in ids]
        return SearchResponses(items=items, total=total or 0)

    async def similarity_search(self, *_args: Any, **_options: Any) -> SearchResponses:
        """Refuse, as HTTP 422."""
        raise UnprocessableEntityError("this embedded Argilla cannot search by vector similarity")


async def reindex_if_stale() -> int:
    """Index again every dataset whose text index is incomplete; returns how many records were read."""
    read = 0
    async with AsyncSessionLocal() as session:
        for dataset_id in (
            await session.scalars(select(Dataset.id).where(Dataset.status == DatasetStatus.ready))
        ).all():
            here = Record.dataset_id == dataset_id
            count = await session.scalar(select(func.count()).select_from(Record).where(here))
            if count == text_index().count(dataset_id.hex):
                continue
            text_index().remove_dataset(dataset_id.hex)
            stream = await session.stream_scalars(
                select(Record).where(here).execution_options(yield_per=_REINDEX_BATCH)
            )
            async for batch in stream.partitions(_REINDEX_BATCH):
                await asyncio.to_thread(text_index().put, [_entry(record) for record in batch])
                read += len(batch)
    return read


def _as_table(records: list[str]) -> Any:
    """Pass ids as one JSON parameter, in their order: a list of any length, where IN has a limit."""
    return func.json_each(json.dumps(records)).table_valued("key", "value")


def _entry(record: Record) -> Entry:
    texts = {name: _text(value) for name, value in (record.fields or {}).items()}
    return Entry(record=record.id.hex, dataset=record.dataset_id.hex, fields=texts)


def _text(value: Any) -> str:
    """Take the words of a field: a text, a chat (messages with ``content``), or anything else as it prints."""
    if value is None:
        return ""
    if isinstance(value, list):
        return "\n".join(str(message.get("content", "")) for message in value if isinstance(message, dict))
    return str(value)

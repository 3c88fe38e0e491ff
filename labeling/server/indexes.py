"""The two index files of an embedded Argilla, open once for all requests, and brought up to date at start."""

import asyncio
import html
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from argilla_server.database import AsyncSessionLocal
from argilla_server.enums import DatasetStatus
from argilla_server.models import Dataset, Field, Record, Vector, VectorSettings
from argilla_server.settings import settings
from sqlalchemy import String, cast, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from labeling.server.text_index import Entry, TextIndex
from labeling.server.vector_index import IndexedVector, VectorIndex

TEXT_FILE = "text.db"
VECTOR_FILE = "vectors.db"
_OPEN_MARK = "indexes.open"
_BATCH = 500

_LOG = logging.getLogger("labeling.server.indexes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexed:
    """What of a record is indexed."""

    entry: Entry
    vectors: tuple[IndexedVector, ...]


@cache
def text_index() -> TextIndex:
    """Give the one open text index: Argilla builds an engine for each request, so it cannot live there."""
    return TextIndex(Path(settings.home_path) / TEXT_FILE)


@cache
def vector_index() -> VectorIndex:
    """Give the one open vector index."""
    return VectorIndex(Path(settings.home_path) / VECTOR_FILE)


def put(records: Iterable[Indexed]) -> None:
    """Add records, or replace them; blocks."""
    changed = list(records)
    text_index().put([record.entry for record in changed])
    vector_index().put([vector for record in changed for vector in record.vectors])


def remove(records: list[str]) -> None:
    """Forget records; blocks."""
    text_index().remove(records)
    vector_index().remove(records)


def remove_dataset(dataset: str) -> None:
    """Forget all records of a dataset; blocks."""
    text_index().remove_dataset(dataset)
    vector_index().remove_dataset(dataset)


def indexed(record: Record, images: frozenset[str]) -> Indexed:
    """Take out of a record, whose vectors are loaded, what is indexed; fields that are ``images`` are left out."""
    name, dataset = record.id.hex, record.dataset_id.hex
    texts = {field: _text(value) for field, value in (record.fields or {}).items() if field not in images}
    vectors = tuple(
        IndexedVector(settings=vector.vector_settings_id.hex, record=name, dataset=dataset, value=vector.value)
        for vector in record.vectors
    )
    return Indexed(entry=Entry(record=name, dataset=dataset, fields=texts), vectors=vectors)


async def image_fields(session: AsyncSession, dataset: UUID) -> frozenset[str]:
    """Name a dataset's fields that hold pictures."""
    fields = await session.scalars(select(Field).where(Field.dataset_id == dataset))
    return frozenset(field.name for field in fields if field.is_image)


async def bring_up_to_date() -> int:
    """Index what the files lack, and forget what Argilla has no more; returns how many records were read.

    After a clean end ids are compared. After a crash all records changed since that server's start are read again,
    because Argilla stores a change first and has it indexed then. From here on this process counts as running.
    """
    mark = Path(settings.home_path) / _OPEN_MARK
    unclean_since, begun = _read_mark(mark), datetime.now(UTC)
    read = 0
    async with AsyncSessionLocal() as session:
        ready = (await session.scalars(select(Dataset.id).where(Dataset.status == DatasetStatus.ready))).all()
        known = {dataset.hex for dataset in ready}
        for gone in (text_index().datasets() | vector_index().datasets()) - known:
            await asyncio.to_thread(remove_dataset, gone)
        for dataset in ready:
            stale = await _stale(session, dataset, unclean_since)
            images = await image_fields(session, dataset)
            for batch in _batches(sorted(stale)):
                wanted = select(Record).where(Record.id.in_([UUID(name) for name in batch]))
                records = (await session.scalars(wanted.options(selectinload(Record.vectors)))).all()
                await asyncio.to_thread(put, [indexed(record, images) for record in records])
                read += len(records)
                session.expunge_all()
    if read:
        _LOG.warning("indexed %d records again", read)
    mark.write_text(begun.isoformat(), encoding="ascii")
    return read


def close() -> None:
    """Close both files and note that nothing was left half done; blocks."""
    for index in (text_index, vector_index):
        index().close()
        index.cache_clear()
    (Path(settings.home_path) / _OPEN_MARK).unlink(missing_ok=True)


async def _stale(session: AsyncSession, dataset: UUID, unclean_since: datetime | None) -> set[str]:
    """Compare the indexes with Argilla's tables: forget what is too much, and name the records to be read again."""
    name, here = dataset.hex, Record.dataset_id == dataset
    stored = set(await session.scalars(select(_plain(Record.id)).where(here)))
    in_text = await asyncio.to_thread(text_index().records, name)
    if in_text - stored:
        await asyncio.to_thread(text_index().remove, sorted(in_text - stored))
    kinds = (await session.scalars(select(VectorSettings.id).where(VectorSettings.dataset_id == dataset))).all()
    rows = select(_plain(Vector.vector_settings_id), _plain(Vector.record_id)).where(
        Vector.vector_settings_id.in_(kinds)
    )
    vectors = {(kind, record) for kind, record in await session.execute(rows)} if kinds else set()
    in_vectors = await asyncio.to_thread(vector_index().keys, name)
    if in_vectors - vectors:
        await asyncio.to_thread(vector_index().remove_keys, in_vectors - vectors)
    stale = (stored - in_text) | {record for _, record in vectors - in_vectors}
    if unclean_since is not None:
        since = unclean_since.astimezone(UTC).replace(tzinfo=None)
        stale |= set(await session.scalars(select(_plain(Record.id)).where(here, Record.updated_at >= since)))
    return stale


def _plain(column: Any) -> Any:
    """Read an id as the text it is stored as: making a UUID of each takes longer than reading them."""
    return cast(column, String)


def _batches(records: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(records), _BATCH):
        yield records[start : start + _BATCH]


def _read_mark(mark: Path) -> datetime | None:
    try:
        return datetime.fromisoformat(mark.read_text(encoding="ascii"))
    except FileNotFoundError:
        return None
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)  # it was being written: trust nothing


def _text(value: Any) -> str:
    """Take the words of a field: a text, a chat (messages with ``content``), or anything else as it prints.

    Character references are read as what they stand for: that is how the page shows them.
    """
    if value is None:
        return ""
    if isinstance(value, list):
        value = "\n".join(str(message.get("content", "")) for message in value if isinstance(message, dict))
    return html.unescape(str(value))

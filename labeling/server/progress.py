"""Counts that the web page shows: a dataset's progress, a user's progress, and what a metadata property holds."""

from typing import Any

from argilla_server.enums import MetadataPropertyType
from argilla_server.models import Dataset, MetadataProperty, Record, Response, User
from argilla_server.search_engine.base import (
    FloatMetadataMetrics,
    IntegerMetadataMetrics,
    MetadataMetrics,
    TermsMetrics,
)
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from labeling.server.conditions import json_values


async def of_dataset(session: AsyncSession, dataset: Dataset) -> dict[str, int]:
    """Count a dataset's records: ``total``, and by status (``pending``, ``completed``)."""
    query = select(Record.status, func.count()).where(Record.dataset_id == dataset.id).group_by(Record.status)
    return _with_total(await session.execute(query))


async def of_user(session: AsyncSession, dataset: Dataset, user: User) -> dict[str, int]:
    """Count a user's responses within a dataset: ``total``, and by status (``submitted``, ``discarded``, ``draft``)."""
    query = (
        select(Response.status, func.count())
        .join(Record, Response.record_id == Record.id)
        .where(Record.dataset_id == dataset.id, Response.user_id == user.id)
        .group_by(Response.status)
    )
    return _with_total(await session.execute(query))


async def of_property(session: AsyncSession, wanted: MetadataProperty) -> MetadataMetrics:
    """Count the terms of a metadata property, or give the least and greatest of its numbers."""
    found = json_values(Record.metadata_, wanted.name)
    here = Record.dataset_id == wanted.dataset_id
    if wanted.type == MetadataPropertyType.terms:
        query = select(found.c.value, func.count()).select_from(Record, found).where(here).group_by(found.c.value)
        terms = [(str(term), count) for term, count in await session.execute(query) if term is not None]
        values = [TermsMetrics.TermCount(term=term, count=n) for term, n in sorted(terms, key=lambda t: (-t[1], t[0]))]
        return TermsMetrics(total=sum(count for _, count in terms), values=values)
    least, greatest = func.min(found.c.value), func.max(found.c.value)
    row = (await session.execute(select(least, greatest).select_from(Record, found).where(here))).one()
    metrics = IntegerMetadataMetrics if wanted.type == MetadataPropertyType.integer else FloatMetadataMetrics
    return metrics(min=row[0], max=row[1])


def _with_total(rows: Any) -> dict[str, int]:
    counts = {str(status.value): int(count) for status, count in rows}
    return {"total": sum(counts.values()), **counts}

"""Argilla's filters and sort orders as SQLAlchemy expressions over its own tables.

Every filter on a value (metadata, suggestion, response) is an EXISTS over json_each, which serves single values and
lists alike. Names and values reach SQLite as bound parameters only.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from argilla_server.enums import RecordSortField, ResponseStatusFilter, SortOrder
from argilla_server.errors.future import UnprocessableEntityError
from argilla_server.models import Question, Record, Response, Suggestion
from argilla_server.search_engine.base import (
    AndFilter,
    Filter,
    FilterScope,
    MetadataFilterScope,
    Order,
    RangeFilter,
    RecordFilterScope,
    ResponseFilterScope,
    SuggestionFilterScope,
    TermsFilter,
)
from sqlalchemy import ColumnElement, Select, String, and_, cast, exists, false, func, or_, select, true

Condition = ColumnElement[bool]


def condition(wanted: Filter) -> Condition:
    """Translate a filter; raises UnprocessableEntityError (HTTP 422) for one that makes no sense."""
    if isinstance(wanted, AndFilter):
        return and_(true(), *(condition(part) for part in wanted.filters))
    scope = wanted.scope
    if isinstance(scope, RecordFilterScope):
        column = _record_column(scope)
        return _matches(column, wanted, _as_time if column.name.endswith("_at") else _as_given)
    if isinstance(scope, ResponseFilterScope) and scope.question is None:
        return _has_status(wanted)
    values = _values(scope)
    return values.where(_matches(_only_column(values), wanted, _as_given)).exists()


def ordering(order: Order) -> ColumnElement[Any]:
    """Translate one sort order; of several values the least counts, and records without any come last."""
    scope = order.scope
    if isinstance(scope, RecordFilterScope):
        column = _record_column(scope)
    else:
        values = _values(scope)
        column = values.with_only_columns(func.min(_only_column(values))).scalar_subquery()
    ordered: ColumnElement[Any] = (
        column.desc().nulls_last() if order.order == SortOrder.desc else column.asc().nulls_last()
    )
    return ordered


def json_values(column: Any, *path: str) -> Any:
    """Table of the scalar values at a path of a JSON column: one row for a scalar, one for each item of a list."""
    where = "$" + "".join(f".{json.dumps(step, ensure_ascii=False)}" for step in path)
    return func.json_each(column, where).table_valued("value")


def _values(scope: FilterScope) -> Select[Any]:
    """Select the values that a scope names within one record, which the enclosing query supplies."""
    if isinstance(scope, MetadataFilterScope):
        found = json_values(Record.metadata_, scope.metadata_property)
        return select(found.c.value).select_from(found).correlate(Record)
    if isinstance(scope, SuggestionFilterScope):
        of_question = (
            Suggestion.record_id == Record.id,
            Suggestion.question_id == Question.id,
            Question.name == scope.question,
        )
        if scope.property in ("agent", "type"):
            plain = {"agent": Suggestion.agent, "type": cast(Suggestion.type, String)}[scope.property]
            return select(plain.label("value")).where(*of_question).correlate(Record)
        found = json_values(Suggestion.score if scope.property == "score" else Suggestion.value)
        return select(found.c.value).select_from(Suggestion, Question, found).where(*of_question).correlate(Record)
    if isinstance(scope, ResponseFilterScope):
        found = json_values(Response.values, scope.question, "value") if scope.question else None
        chosen = cast(Response.status, String).label("value") if found is None else found.c.value
        answers = select(chosen).where(Response.record_id == Record.id)
        if scope.user is not None:
            answers = answers.where(Response.user_id == scope.user.id)
        return answers.correlate(Record)
    raise UnprocessableEntityError(f"cannot filter or sort by {scope}")


def _only_column(values: Select[Any]) -> ColumnElement[Any]:
    return next(iter(values.selected_columns))


def _record_column(scope: RecordFilterScope) -> Any:
    return {
        RecordSortField.id: Record.id,
        RecordSortField.external_id: Record.external_id,
        RecordSortField.inserted_at: Record.inserted_at,
        RecordSortField.updated_at: Record.updated_at,
        RecordSortField.status: cast(Record.status, String).label("status"),
    }[RecordSortField(scope.property)]


def _has_status(wanted: Filter) -> Condition:
    """The tabs of the annotator's page: ``pending`` means no response by this user, or by anybody without a user."""
    if not isinstance(wanted, TermsFilter):
        raise UnprocessableEntityError("the status of a response can only be filtered by terms")
    responses = select(Response.id).where(Response.record_id == Record.id).correlate(Record)
    if wanted.scope.user is not None:
        responses = responses.where(Response.user_id == wanted.scope.user.id)
    others = [value for value in wanted.values if value != ResponseStatusFilter.pending]
    any_of: list[Condition] = [false()]
    if len(others) < len(wanted.values):
        any_of.append(~exists(responses))
    if others:
        any_of.append(exists(responses.where(cast(Response.status, String).in_(others))))
    return or_(*any_of)


def _matches(column: Any, wanted: Filter, read: Callable[[object], object]) -> Condition:
    if isinstance(wanted, TermsFilter):
        if read is _as_time or column is Record.id:
            return cast(column, String).in_([_stored(value) for value in wanted.values])
        return cast(column, String).in_(wanted.values)
    if isinstance(wanted, RangeFilter):
        bounds = [true()]
        if wanted.ge is not None:
            bounds.append(column >= read(wanted.ge))
        if wanted.le is not None:
            bounds.append(column <= read(wanted.le))
        return and_(*bounds)
    raise UnprocessableEntityError(f"unknown filter {type(wanted).__name__}")


def _as_given(value: object) -> object:
    return value


def _as_time(value: object) -> datetime:
    """Read a time as Argilla stores it: UTC without a zone."""
    try:
        time = (
            datetime.fromisoformat(value) if isinstance(value, str) else datetime.fromtimestamp(float(str(value)), UTC)
        )
    except (ValueError, OverflowError) as error:
        raise UnprocessableEntityError(f"{value!r} is not a time in ISO 8601") from error
    return time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time


def _stored(value: str) -> str:
    return value.replace("-", "")

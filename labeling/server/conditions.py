"""Argilla's filters and sort orders as SQLAlchemy expressions over its own tables.

Every filter on a value (metadata, suggestion, response) is an EXISTS over json_each, which serves single values and
lists alike. Names and values reach SQLite as bound parameters only.
"""

import json
import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from argilla_server.enums import RecordSortField, RecordStatus, ResponseStatusFilter, SortOrder
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
from sqlalchemy import (
    ColumnElement,
    Float,
    Select,
    String,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    or_,
    select,
    true,
    type_coerce,
)

Condition = ColumnElement[bool]


def condition(wanted: Filter) -> Condition:
    """Translate a filter; raises UnprocessableEntityError (HTTP 422) for one that makes no sense."""
    if isinstance(wanted, AndFilter):
        return and_(true(), *(condition(part) for part in wanted.filters))
    scope = wanted.scope
    if isinstance(scope, RecordFilterScope):
        return _record_matches(RecordSortField(scope.property), wanted)
    if isinstance(scope, ResponseFilterScope) and scope.question is None:
        return _has_status(wanted)
    if isinstance(scope, SuggestionFilterScope):
        return _suggestion_matches(scope, wanted)
    values = _values(scope)
    return values.where(_value_matches(_only_column(values), wanted)).exists()


def looks_into_values(wanted: Filter) -> bool:
    """Tell whether a filter reads suggestions, metadata or answers, beside columns and the status of responses."""
    if isinstance(wanted, AndFilter):
        return any(looks_into_values(part) for part in wanted.filters)
    scope = wanted.scope
    return not (
        isinstance(scope, RecordFilterScope) or (isinstance(scope, ResponseFilterScope) and scope.question is None)
    )


def ordering(order: Order) -> ColumnElement[Any]:
    """Translate one sort order, as Elasticsearch has it.

    Of several values the least counts, or the greatest in descending order; of several people's ratings the mean.
    Records without any value come last.
    """
    scope = order.scope
    descending = order.order == SortOrder.desc
    if isinstance(scope, RecordFilterScope):
        column = _RECORD_COLUMNS[RecordSortField(scope.property)]
    else:
        values = _values(scope)
        value = _only_column(values)
        extreme: ColumnElement[Any] = func.max(value) if descending else func.min(value)
        if isinstance(scope, ResponseFilterScope):
            extreme = case((func.count(value) == func.sum(_is_number(value)), func.avg(value)), else_=extreme)
        column = values.with_only_columns(extreme).scalar_subquery()
    ordered: ColumnElement[Any] = column.desc().nulls_last() if descending else column.asc().nulls_last()
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
            return select(_suggested(scope).label("value")).where(*of_question).correlate(Record)
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


_RECORD_COLUMNS: dict[RecordSortField, Any] = {
    RecordSortField.id: Record.id,
    RecordSortField.external_id: Record.external_id,
    RecordSortField.inserted_at: Record.inserted_at,
    RecordSortField.updated_at: Record.updated_at,
    RecordSortField.status: Record.status,
}


def _has_status(wanted: Filter) -> Condition:
    """The tabs of the annotator's page: ``pending`` means no response by this user, or by anybody without a user."""
    if not isinstance(wanted, TermsFilter):
        raise UnprocessableEntityError("the status of a response can only be filtered by terms")
    others = [value for value in wanted.values if value != ResponseStatusFilter.pending]
    with_others = cast(Response.status, String).in_(others)
    any_of: list[Condition] = [false()]
    if wanted.scope.user is not None:
        # One person's responses are few: a list of their records is faster than a look for every record.
        own = select(Response.record_id).where(Response.user_id == wanted.scope.user.id)
        if len(others) < len(wanted.values):
            any_of.append(Record.id.not_in(own))
        if others:
            any_of.append(Record.id.in_(own.where(with_others)))
        return or_(*any_of)
    responses = select(Response.id).where(Response.record_id == Record.id).correlate(Record)
    if len(others) < len(wanted.values):
        any_of.append(~exists(responses))
    if others:
        any_of.append(exists(responses.where(with_others)))
    return or_(*any_of)


def _suggestion_matches(scope: SuggestionFilterScope, wanted: Filter) -> Condition:
    """Read all suggestions of a question once: a look for every record takes four times as long."""
    found = select(Suggestion.record_id).join(Question, Suggestion.question_id == Question.id)
    found = found.where(Question.name == scope.question)
    if scope.property in ("agent", "type"):
        said: Condition = Record.id.in_(found.where(_value_matches(_suggested(scope), wanted)))
        return said
    column = Suggestion.score if scope.property == "score" else Suggestion.value
    listed = json_values(column)
    any_listed = select(listed.c.value).select_from(listed).where(_value_matches(listed.c.value, wanted))
    # Numbers are stored as numbers, for SQLite takes a JSON column for a numeric one; all else has to be parsed.
    number = type_coerce(column, Float)
    matches = case(
        (_is_number(number), _value_matches(number, wanted)), else_=any_listed.correlate(Suggestion).exists()
    )
    numbered: Condition = Record.id.in_(found.where(matches))
    return numbered


def _suggested(scope: SuggestionFilterScope) -> ColumnElement[Any]:
    column: ColumnElement[Any] = Suggestion.agent if scope.property == "agent" else cast(Suggestion.type, String)
    return column


def _record_matches(field: RecordSortField, wanted: Filter) -> Condition:
    """Compare a column of the record itself; values that cannot occur in it match nothing."""
    column = _RECORD_COLUMNS[field]
    read = _READERS[field]
    if isinstance(wanted, TermsFilter):
        terms: Condition = column.in_([value for value in map(read, wanted.values) if value is not None])
        return terms
    if isinstance(wanted, RangeFilter):
        bounds: list[Condition] = [true()]
        if wanted.ge is not None:
            bounds.append(column >= read(wanted.ge))
        if wanted.le is not None:
            bounds.append(column <= read(wanted.le))
        return and_(*bounds)
    raise UnprocessableEntityError(f"unknown filter {type(wanted).__name__}")


def _value_matches(value: Any, wanted: Filter) -> Condition:
    """Compare a value of JSON: texts with texts, numbers with numbers, where ``1`` and ``1.0`` are the same."""
    if isinstance(wanted, TermsFilter):
        numbers = [number for number in map(_as_number, wanted.values) if number is not None]
        same_text: Condition = cast(value, String).in_(wanted.values)
        return or_(same_text, and_(_is_number(value), value.in_(numbers))) if numbers else same_text
    if isinstance(wanted, RangeFilter):
        bounds: list[Condition] = [true()]
        for given, above in ((wanted.ge, True), (wanted.le, False)):
            if given is not None:
                number = _as_number(given)
                bound: Any = str(given) if number is None else number
                bounds.append(_is_number(value) if number is not None else func.typeof(value) == "text")
                bounds.append(value >= bound if above else value <= bound)
        return and_(*bounds)
    raise UnprocessableEntityError(f"unknown filter {type(wanted).__name__}")


def _is_number(value: Any) -> Condition:
    return func.typeof(value).in_(("integer", "real"))


def _as_number(value: object) -> float | None:
    try:
        number = float(str(value))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _as_text(value: object) -> str:
    return str(value)


def _as_id(value: object) -> UUID | None:
    try:
        return UUID(str(value))
    except ValueError:
        return None


def _as_status(value: object) -> RecordStatus | None:
    try:
        return RecordStatus(str(value))
    except ValueError:
        return None


def _as_time(value: object) -> datetime:
    """Read a time as Argilla stores it: UTC without a zone."""
    try:
        time = (
            datetime.fromisoformat(value) if isinstance(value, str) else datetime.fromtimestamp(float(str(value)), UTC)
        )
    except (ValueError, OverflowError, OSError) as error:
        raise UnprocessableEntityError(f"{value!r} is not a time in ISO 8601") from error
    return time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time


_READERS: dict[RecordSortField, Callable[[object], Any]] = {
    RecordSortField.id: _as_id,
    RecordSortField.external_id: _as_text,
    RecordSortField.inserted_at: _as_time,
    RecordSortField.updated_at: _as_time,
    RecordSortField.status: _as_status,
}

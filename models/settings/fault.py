"""A fault of config.toml: what is wrong, in words that a reader of the file knows."""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError


def fault(where: tuple[str | int, ...], said: str, value: object) -> InitErrorDetails:
    """A fault that pydantic reports as it stands."""
    return InitErrorDetails(type=PydanticCustomError("fault", "{said}", {"said": said}), loc=where, input=value)


def reworded(error: ErrorDetails, whole: type[BaseModel]) -> InitErrorDetails:
    """Pydantic's fault for ours; a key that does not exist is told with the one that it is nearest to."""
    where, said = error["loc"], error["msg"]
    if error["type"] == "extra_forbidden":
        near = get_close_matches(str(where[-1]), _keys(whole, where[:-1]), 1, 0.5)
        said = f"there is no such setting; is {near[0]!r} meant?" if near else "there is no such setting"
    return fault(where, said, error["input"])


def is_echo(error: ErrorDetails) -> bool:
    """Tell whether a list is called too short only because its items have faults, which are reported anyway."""
    if error["type"] != "too_short" or not isinstance(error["input"], list | tuple):
        return False
    return len(error["input"]) >= int(error["ctx"]["min_length"])


def _keys(whole: type[BaseModel], where: tuple[str | int, ...]) -> list[str]:
    """The keys that a table has, by the way that leads to it; numbers are places in a list of tables."""
    table = whole
    for name in where:
        if isinstance(name, str):
            table = next(_tables(table.model_fields[name].annotation), table) if name in table.model_fields else table
    return list(table.model_fields)


def _tables(annotation: Any) -> Iterator[type[BaseModel]]:
    """The tables that an annotation speaks of: itself, or those inside ``X | None`` and ``tuple[X, ...]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _tables(inner)

"""A ladder as a table, one figure or several a rung: read from CSV, TSV, Markdown or JSON."""

import csv
import io
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.errors import InputError

RUNG, PARAMETERS, DENSE = "rung", "parameters", "dense"
LEAST_RUNGS = 3
MOST_PARAMETERS = 10**15
MOST_FIGURE = 1e12
"""Beyond these a number is a slip, and sums of squares lose their meaning."""
SHOWN = 40
"""So much of a cell is shown in an error."""
SIZES = {"": 1.0, "k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12}
YES, NO = {"true", "yes", "1", "dense"}, {"false", "no", "0", "moe"}
_SIZE = re.compile(r"(\d+(?:\.\d+)?(?:e\+?\d+)?)\s*([kmbt]?)", re.IGNORECASE)
_RULE = re.compile(r":?-+:?")

Row = tuple[str, Mapping[str, Any]]
"""Where a row stands, in words, and its cells by column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRung:
    """One rung: its name, parameters, whether it is dense (a mixture of experts is not), and its figures by name."""

    rung: str
    parameters: int
    dense: bool
    figures: Mapping[str, float]


def read_table(path: Path) -> tuple[TableRung, ...]:
    """Read rungs, smallest first; more is better in every column that is not rung, parameters or dense.

    Raises InputError naming line and column.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}, line {line}: this is not UTF-8 text ({error}); save the file as UTF-8") from error
    if not text.strip():
        raise InputError(f"{path} is empty; a table of rungs is needed: docs/formats.md has its form")
    kind = path.suffix.lower()
    if kind == ".json":
        rows = list(_json(text, path))
    elif kind in (".md", ".markdown"):
        rows = list(_markdown(text, path))
    else:
        rows = list(_separated(text, path, "\t" if kind == ".tsv" else ","))
    if not rows:
        raise InputError(f"{path}: no rung stands in it; one a row is needed, {LEAST_RUNGS} at the least")
    rungs = [_rung(where, _spelled(cells)) for where, cells in rows]
    _sound(rungs, rows, path)
    return tuple(sorted(rungs, key=lambda rung: rung.parameters))


def size(told: object, where: str) -> int:
    """Parameters of a rung: a number, or one like 0.5B or 360M; raises InputError."""
    if isinstance(told, int | float) and not isinstance(told, bool):
        told = f"{told:.0f}" if math.isfinite(told) else str(told)
    found = _SIZE.fullmatch(str(told).strip().replace("_", "").replace(",", ""))
    parameters = float(found[1]) * SIZES[found[2].lower()] if found else 0.0
    if not 1 <= round(min(parameters, 2 * MOST_PARAMETERS)) <= MOST_PARAMETERS:
        shown = str(told) if len(str(told)) <= SHOWN else f"{str(told)[:SHOWN]}..."
        raise InputError(
            f"{where}, column {PARAMETERS}: {shown!r} is no number of parameters, such as 500000000 or 0.5B"
        )
    return round(parameters)


def flag(told: object, where: str) -> bool:
    """Whether a rung is dense; raises InputError."""
    word = str(told).strip().lower()
    if word in YES | {""}:
        return True
    if word in NO:
        return False
    raise InputError(f"{where}, column {DENSE}: {told!r} is neither true nor false")


def _sound(rungs: list[TableRung], rows: list[Row], path: Path) -> None:
    names = [rung.rung for rung in rungs]
    for (where, cells), rung in zip(rows, rungs, strict=True):
        if names.count(rung.rung) > 1:
            raise InputError(f"{where}, column {RUNG}: {rung.rung!r} stands here more than once")
        if set(rung.figures) != set(rungs[0].figures):
            odd = sorted(set(rung.figures) ^ set(rungs[0].figures))[0]
            raise InputError(f"{where}, column {odd}: some rungs have this figure and some do not")
        for name in rung.figures:
            if _percent(cells[name]) != _percent(rows[0][1][name]):
                raise InputError(f"{where}, column {name}: percent signs stand in some cells and not in others")
    if rungs and not rungs[0].figures:
        raise InputError(f"{path}: no column besides {RUNG}, {PARAMETERS} and {DENSE}; name a figure, such as F1")
    ladder_of([(rung.rung, rung.parameters) for rung in rungs if rung.dense], str(path))


def _percent(cell: object) -> bool:
    return str(cell).strip().endswith("%")


def ladder_of(dense: Sequence[tuple[str, int]], where: str) -> None:
    """Check that dense rungs, name and parameters each, make a ladder; raises InputError that says what is missing."""
    by_size: dict[int, str] = {}
    for name, parameters in dense:
        if parameters in by_size:
            raise InputError(
                f"{where}: the rungs {by_size[parameters]!r} and {name!r} both have {parameters:,} parameters; leave "
                f"one out, or mark a mixture of experts with {DENSE} false"
            )
        by_size[parameters] = name
    if len(dense) < LEAST_RUNGS:
        raise InputError(
            f"{where}: {LEAST_RUNGS} dense rungs at the least make a ladder, and there are {len(dense)}"
            + (f": {', '.join(by_size.values())}" if dense else "")
        )


def _spelled(cells: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that every table has may be written large."""
    return {name.lower() if name.lower() in (RUNG, PARAMETERS, DENSE) else name: told for name, told in cells.items()}


def _rung(where: str, cells: Mapping[str, Any]) -> TableRung:
    for column in (RUNG, PARAMETERS):
        if cells.get(column) in (None, ""):
            raise InputError(
                f"{where}: the column {column} is missing or empty; there are: {', '.join(cells) or 'none'}"
            )
    figures = {
        name: _number(told, where, name) for name, told in cells.items() if name not in (RUNG, PARAMETERS, DENSE)
    }
    return TableRung(
        rung=str(cells[RUNG]).strip(),
        parameters=size(cells[PARAMETERS], where),
        dense=flag(cells.get(DENSE, ""), where),
        figures=figures,
    )


def _number(told: object, where: str, column: str) -> float:
    try:
        value = math.nan if isinstance(told, bool) else float(str(told).strip().removesuffix("%"))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"{where}, column {column}: {told!r} is no number, such as 0.71 or 71%")
    if abs(value) > MOST_FIGURE:
        raise InputError(f"{where}, column {column}: {told!r} is out of range ({MOST_FIGURE:g} at the most)")
    return value


def _separated(text: str, path: Path, delimiter: str) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
    try:
        yield from _named(((reader.line_num, cells) for cells in reader if any(c.strip() for c in cells)), path)
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num}: {error}; is a quotation mark not closed?") from error


def _markdown(text: str, path: Path) -> Iterator[Row]:
    lines = ((n, line.strip()) for n, line in enumerate(text.splitlines(), start=1))
    cells = ((n, [c.strip() for c in line.strip("|").split("|")]) for n, line in lines if line.startswith("|"))
    yield from _named(((n, row) for n, row in cells if not all(_RULE.fullmatch(c) for c in row)), path)


def _named(rows: Iterator[tuple[int, list[str]]], path: Path) -> Iterator[Row]:
    first = next(rows, None)
    if first is None:
        raise InputError(f"{path}: no table in it; the first row names the columns {RUNG}, {PARAMETERS} and a figure")
    number, told = first
    header = [name.strip() for name in told]
    known = list(_spelled(dict.fromkeys(header)))
    if len(known) < len(header) or "" in header:
        raise InputError(f"{path}, line {number}: the columns {', '.join(header)} need names, each its own")
    if missing := [name for name in (RUNG, PARAMETERS) if name not in known]:
        raise InputError(
            f"{path}, line {number}: no column {' or '.join(missing)} in {', '.join(header)[:SHOWN]!r}; cells are "
            "parted by tabs in .tsv, by | in .md, and by commas in a file of any other name; .json and .jsonl are what "
            "they say"
        )
    for line, cells in rows:
        if len(cells) != len(header):
            raise InputError(f"{path}, line {line}: {len(cells)} cells under {len(header)} columns")
        yield f"{path}, line {line}", dict(zip(header, cells, strict=True))


def _json(text: str, path: Path) -> Iterator[Row]:
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: this is no JSON ({error}); objects line by line stand in .jsonl") from error
    if not isinstance(body, list) or not all(isinstance(row, dict) for row in body):
        raise InputError(f"{path}: expected a list of objects, one a rung")
    for number, row in enumerate(body, start=1):
        yield f"{path}, rung {number}", row

"""Labels that leave and come in as files: our own JSON lines, labelled rows, the paper's record, and alpaca."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from labeling.exchange import alpaca, jsonl, paper
from labeling.exchange import rows as labelled_rows
from labeling.exchange.row import Row, Written
from labeling.exchange.take import check
from models.errors import InputError
from models.labelled import read_json_lines
from models.question import Question


class FileForm(StrEnum):
    """The forms that files of labels have."""

    JSONL = "jsonl"
    ROWS = "rows"
    PAPER = "paper"
    ALPACA = "alpaca"


def written(
    rows: Sequence[Row], questions: Sequence[Question], form: FileForm, *, seed: int = 0, audit: bool = False
) -> Written:
    """Make a file's lines. All forms but our own are for training.

    So they leave out what may not be trained on, and audited bursts unless ``audit``.
    """
    if form is FileForm.JSONL:
        return jsonl.write(rows, questions)
    kept = [row for row in rows if row.trainable and (audit or not row.audit)]
    if form is FileForm.ROWS:
        made = labelled_rows.write(kept, questions)
    else:
        made = paper.write(kept, questions) if form is FileForm.PAPER else alpaca.write(kept, questions, seed=seed)
    reasons = {
        "not to be trained on": sum(not row.trainable for row in rows),
        "drawn for the audit": sum(row.trainable and row.audit and not audit for row in rows),
        **made.left_out,
    }
    return Written(lines=made.lines, left_out={why: count for why, count in reasons.items() if count})


def read_rows(path: Path, questions: Sequence[Question], form: FileForm) -> list[Row]:
    """Read a whole file; raises InputError naming file, line and fault."""

    def at(number: int) -> str:
        return f"{path}, line {number}"

    numbered = list(read_json_lines(path))
    if form is FileForm.ALPACA:
        return alpaca.read_all(numbered, questions, at)
    read = jsonl.read if form is FileForm.JSONL else paper.read
    rows: list[Row] = []
    seen: dict[str, int] = {}
    for number, body in numbered:
        try:
            row = labelled_rows.read(body, number, questions) if form is FileForm.ROWS else read(body, questions)
            if row is None:
                continue
            check(row, questions)
            _new(row.id, number, seen)
        except InputError as error:
            raise InputError(f"{at(number)}: {error}; see docs/formats.md") from error
        except (OverflowError, OSError, ValueError) as error:  # a time beyond the calendar
            raise InputError(f"{at(number)}: {error}; see docs/formats.md") from error
        rows.append(row)
    return rows


def _new(name: str, number: int, seen: dict[str, int]) -> None:
    if (before := seen.setdefault(name, number)) != number:
        raise InputError(f"the id {name} was there already, in line {before}")

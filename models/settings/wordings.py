"""Adopted wordings in the data directory, laid over config.toml's questions.

config.toml is the maintainer's own file and is never written. A wording holds only while config.toml's own question has
the version that it was adopted over: whoever changes the question there later means it.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from models.errors import SettingsError
from models.ids import OptionId, QuestionId
from models.question import Question
from models.replacement import replacing
from models.settings.question import QuestionTable
from models.wording import Adopted, Wording

FILE = "wordings.json"


def read_adopted(data_dir: Path) -> dict[QuestionId, Adopted]:
    """Adopted wordings by question; raises SettingsError where the file is damaged."""
    path = data_dir / FILE
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        return {QuestionId(name): _adopted(name, row) for name, row in body.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SettingsError(
            f"{path} cannot be read ({error!r}); remove it to ask in config.toml's own words"
        ) from error


def write_adopted(data_dir: Path, adopted: Mapping[QuestionId, Adopted]) -> None:
    """Write all adopted wordings, aside and renamed; raises SettingsError."""
    path = data_dir / FILE
    try:
        with replacing(path) as aside:
            rows = {name: _row(one) for name, one in adopted.items()}
            aside.write_text(json.dumps(rows, indent=2), encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{path} could not be written: {error}; the wordings are what they were") from error


def overlaid(tables: Sequence[QuestionTable], adopted: Mapping[QuestionId, Adopted]) -> tuple[QuestionTable, ...]:
    """config.toml's questions with adopted wordings where these hold; raises SettingsError for unfit words."""
    found = []
    for table in tables:
        one = adopted.get(QuestionId(table.id))
        found.append(table if one is None or not one.holds(table.question()) else table_of(table, one.wording))
    return tuple(found)


def table_of(table: QuestionTable, wording: Wording) -> QuestionTable:
    """A [[question]] in other words, held to the same rules; raises SettingsError naming every fault."""
    changed: dict[str, Any] = table.model_dump(exclude_none=True) | {
        "text": wording.text,
        "definition": wording.definition,
        "guidelines": wording.guidelines,
        "options": [{"id": o.id, "wording": wording.options.get(OptionId(o.id), "")} for o in table.options],
    }
    try:
        return QuestionTable.model_validate(changed)
    except ValidationError as error:
        faults = [f"  {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise SettingsError(f"the wording of {table.id} has {len(faults)} fault(s):\n" + "\n".join(faults)) from error


def set_aside(own: Sequence[Question], adopted: Mapping[QuestionId, Adopted]) -> list[QuestionId]:
    """Questions whose adopted wording holds no more, for config.toml was changed since."""
    by_id = {question.id: question for question in own}
    return [name for name, one in adopted.items() if name not in by_id or not one.holds(by_id[name])]


def _row(one: Adopted) -> dict[str, Any]:
    words = one.wording
    return {
        "text": words.text,
        "definition": words.definition,
        "guidelines": words.guidelines,
        "options": dict(words.options),
        "over": one.over,
        "by": one.by,
        "at": one.at.isoformat(),
    }


def _adopted(name: str, row: Mapping[str, Any]) -> Adopted:
    return Adopted(
        question=QuestionId(name),
        wording=Wording(
            text=str(row["text"]),
            definition=str(row["definition"]),
            guidelines=str(row["guidelines"]),
            options={OptionId(o): str(w) for o, w in row["options"].items()},
        ),
        over=str(row["over"]),
        by=str(row["by"]),
        at=datetime.fromisoformat(row["at"]),
    )

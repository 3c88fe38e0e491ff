"""Settings back to TOML, so that a flow can run in a folder of its own with settings of its own."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from models.settings import Settings


def dump_settings(settings: Settings) -> str:
    """Write settings as config.toml; reading it again gives equal settings."""
    tables = settings.model_dump(exclude_none=True)
    lines = [f"{key} = {_value(value)}" for key, value in tables.items() if not isinstance(value, Mapping | tuple)]
    for key, value in tables.items():
        if isinstance(value, Mapping):
            lines += ["", f"[{key}]", *_pairs(value)]
        elif isinstance(value, tuple):
            for table in value:
                lines += ["", f"[[{key}]]", *_pairs(table)]
    return "\n".join(lines) + "\n"


def _pairs(table: Mapping[str, Any]) -> list[str]:
    return [f"{key} = {_value(value)}" for key, value in table.items()]


def _value(value: object) -> str:
    """One value; JSON's strings, numbers and booleans are TOML's too, but for DEL, which TOML wants escaped."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_value(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, tuple | list):
        return "[" + ", ".join(_value(inner) for inner in value) + "]"
    if isinstance(value, Path):
        value = str(value)
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")

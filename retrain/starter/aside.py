"""Gold rooms set aside: one in five teaches nothing, so that calibration and figures are honest."""

import hashlib
from pathlib import Path

from models.errors import ExportError
from models.labelled import read_json_lines

KEPT, ASIDE = "gold_kept.jsonl", "gold_set_aside.jsonl"


def set_aside(room: str) -> bool:
    """Tell whether a gold room is kept from all training; its name alone decides."""
    return int(hashlib.sha256(room.encode()).hexdigest(), 16) % 5 == 0


def write_split(gold: Path, folder: Path) -> tuple[Path, Path]:
    """Write the rows of a gold file that are trained on and those set aside as two files; returns their paths.

    Raises InputError where the file cannot be read, ExportError where the two cannot be written.
    """
    rows = list(read_json_lines(gold))
    lines = gold.read_text(encoding="utf-8").split("\n")
    parts: tuple[list[str], list[str]] = ([], [])
    for number, row in rows:
        parts[set_aside(str(row.get("room", row.get("conv"))))].append(f"{lines[number - 1]}\n")
    paths = (folder / KEPT, folder / ASIDE)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, held in zip(paths, parts, strict=True):
            aside = path.with_suffix(".aside")
            aside.write_text("".join(held), encoding="utf-8")
            aside.replace(path)
    except OSError as error:
        raise ExportError(f"could not write the split of {gold} to {folder}: {error}") from error
    return paths

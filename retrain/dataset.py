"""Frozen datasets: a folder named after the hash of what it holds.

    datasets/<id>/items.jsonl  one item a line: {"part": "train", "item": {...}}; an erased one: {"tombstone": "<leaf>"}
    datasets/<id>/card.json    what it is made of (retrain/card.py); question versions and format are part of the id
    datasets/<id>/card.md      the same for people

The id is the Merkle root over a header (format, question versions) and the lines, in their order.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from models.dataset_card import markdown
from models.errors import ExportError, TrainingError
from models.ids import DatasetId, QuestionId
from models.item import Item
from models.merkle import canonical, header, leaf, merkle_root
from models.question import Question, versions
from models.replacement import replacing_folder
from models.shareable import shareable
from retrain.canonical import item_body, item_of
from retrain.card import Origins, card
from retrain.leakage import Leakage, apart, leakage
from retrain.split import Part, Split, enough, split

FORMAT = 1
FOLDER = "datasets"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A frozen dataset in memory: its parts, oldest item first. ``erased`` counts tombstones."""

    id: DatasetId
    path: Path
    question_versions: Mapping[QuestionId, str]
    train: tuple[Item, ...]
    calibration: tuple[Item, ...]
    gate: tuple[Item, ...]
    erased: int = 0

    @property
    def items(self) -> tuple[Item, ...]:
        """Items of all parts."""
        return (*self.train, *self.calibration, *self.gate)

    @property
    def size(self) -> int:
        """Items of all parts."""
        return len(self.train) + len(self.calibration) + len(self.gate)

    @property
    def leakage(self) -> Leakage:
        """What its parts share; looked for anew each time, within a second or two for thousands of items."""
        return leakage(self.train, self.calibration, self.gate)


def freeze(
    items: Sequence[Item],
    questions: Sequence[Question],
    data_dir: Path,
    *,
    holdout_share: float,
    folds: int,
    frozen_at: datetime,
    origins: Origins | None = None,
) -> Dataset:
    """Split labelled bursts and freeze them under ``data_dir``; the same items again give the same folder.

    What is frozen is masked and has friendly names: see ``models.shareable``. ``origins`` are for the card.
    Raises TooFewLabels saying how many labels are missing, and ExportError where the folder cannot be written; then
    nothing is left behind.
    """
    parts = _masked(split(items, holdout_share=holdout_share, folds=folds))
    held = (*parts.calibration, *parts.gate)
    cut = apart(parts.train, held)  # once more: names and secrets that told two texts apart are masked by now
    enough(cut.kept, len(items) - len(held), folds)
    parts = replace(parts, train=cut.kept, dropped=(*parts.dropped, *cut.showing), copied=cut.copied)
    lines = [
        canonical({"part": part.value, "item": item_body(item)})
        for part, held in ((Part.TRAIN, parts.train), (Part.CALIBRATION, parts.calibration), (Part.GATE, parts.gate))
        for item in held
    ]
    known = versions(questions)
    dataset = DatasetId(merkle_root([header(FORMAT, known), *(leaf(line) for line in lines)]))
    folder = data_dir / FOLDER / dataset
    if not folder.exists():
        told = card(
            dataset,
            FORMAT,
            parts,
            questions,
            origins or Origins(),
            holdout_share=holdout_share,
            frozen_at=frozen_at,
        )
        _write(folder, lines, told)
    return read_dataset(folder)


def read_dataset(folder: Path) -> Dataset:
    """Read a frozen dataset and verify its hash; raises TrainingError where it is damaged or was changed."""
    parts: dict[Part, list[Item]] = {part: [] for part in Part}
    leaves: list[str] = []
    try:
        told = json.loads((folder / "card.json").read_text(encoding="ascii"))
        known = {QuestionId(q): str(v) for q, v in told["question_versions"].items()}
        for line in (folder / "items.jsonl").read_text(encoding="ascii").splitlines():
            body = json.loads(line)
            if "tombstone" in body:
                leaves.append(body["tombstone"])
                continue
            leaves.append(leaf(line))
            parts[Part(body["part"])].append(item_of(body["item"]))
        root = merkle_root([header(FORMAT, known), *leaves])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TrainingError(f"the dataset {folder} is not readable: {error!r}; freeze it anew") from error
    if root != folder.name:
        raise TrainingError(f"the dataset {folder} was changed after it was frozen: its hash is now {root}")
    return Dataset(
        id=DatasetId(root),
        path=folder,
        question_versions=known,
        train=tuple(parts[Part.TRAIN]),
        calibration=tuple(parts[Part.CALIBRATION]),
        gate=tuple(parts[Part.GATE]),
        erased=len(leaves) - sum(len(held) for held in parts.values()),
    )


def _masked(parts: Split) -> Split:
    """The same items as they may leave the database."""

    def of(items: Sequence[Item]) -> tuple[Item, ...]:
        return tuple(replace(item, burst=shareable(item.burst)) for item in items)

    return replace(parts, train=of(parts.train), calibration=of(parts.calibration), gate=of(parts.gate))


def _write(folder: Path, lines: Sequence[str], told: Mapping[str, Any]) -> None:
    try:
        with replacing_folder(folder) as aside:
            (aside / "items.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="ascii")
            (aside / "card.json").write_text(json.dumps(told, indent=2) + "\n", encoding="ascii")
            (aside / "card.md").write_text(markdown(told), encoding="utf-8")
    except OSError as error:
        raise ExportError(f"could not freeze the dataset {folder}: {error}; nothing was written") from error

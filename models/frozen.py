"""Taking erased items out of frozen datasets: each leaves its hash behind, so that its dataset's id can be checked."""

import json
import shutil
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.dataset_card import markdown
from models.errors import ExportError, TrainingError
from models.ids import BurstId, DatasetId
from models.merkle import header, leaf, merkle_root
from models.replacement import replacing

DATASETS, WORK = "datasets", "work"
ITEMS, CARD, CARD_FOR_PEOPLE = "items.jsonl", "card.json", "card.md"
_TRAIN = "train"


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """The bursts of interest that a dataset holds, and those of them that models were trained on."""

    dataset: DatasetId
    bursts: frozenset[BurstId]
    trained: frozenset[BurstId]


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A frozen dataset as it lies on disk: whether its root is still its name, and which bursts still stand in it."""

    dataset: DatasetId
    verified: bool
    items: int
    tombstones: int
    bursts: frozenset[BurstId]


def holdings(data_dir: Path, bursts: Collection[BurstId]) -> list[Holding]:
    """Find the datasets that hold any of these bursts; raises ExportError where one is not readable."""
    found: list[Holding] = []
    for folder in folders(data_dir):
        held: dict[BurstId, bool] = {}
        with _explained(folder):
            for _, body in _lines(folder):
                if "tombstone" not in body and (burst := BurstId(body["item"]["burst"]["id"])) in bursts:
                    held[burst] = body["part"] == _TRAIN
        if held:
            trained = frozenset(burst for burst, train in held.items() if train)
            found.append(Holding(dataset=DatasetId(folder.name), bursts=frozenset(held), trained=trained))
    return found


def bury(data_dir: Path, holding: Holding) -> None:
    """Replace items of a dataset by tombstones, and drop what a stopped run kept of training on it.

    Files are written aside and renamed; the card, which says how many were erased, comes first, so that one that was
    not written is when this is tried again. Raises ExportError where the items cannot be; then they are as they were.
    """
    folder = data_dir / DATASETS / holding.dataset
    with _explained(folder):
        kept = [
            json.dumps({"tombstone": leaf(line)})
            if "tombstone" not in body and body["item"]["burst"]["id"] in holding.bursts
            else line
            for line, body in _lines(folder)
        ]
        _tell(folder, sum("tombstone" in json.loads(line) for line in kept))
        _replace(folder / ITEMS, "".join(f"{line}\n" for line in kept))
    shutil.rmtree(data_dir / WORK / holding.dataset[:16], ignore_errors=True)


def clear_half_made(data_dir: Path) -> None:
    """Remove what a killed run left of a dataset it was writing; only while no run can be writing one."""
    for folder in (data_dir / DATASETS).glob("*.tmp"):
        shutil.rmtree(folder, ignore_errors=True)


def condition(folder: Path) -> Condition:
    """Look at a dataset and compute its root anew; raises TrainingError where it is not readable."""
    found = leaves_of(folder)
    bursts = frozenset(burst for _, burst in found if burst is not None)
    return Condition(
        dataset=DatasetId(folder.name),
        verified=merkle_root([node for node, _ in found]) == folder.name,
        items=len(bursts),
        tombstones=len(found) - 1 - len(bursts),
        bursts=bursts,
    )


def leaves_of(folder: Path) -> list[tuple[str, BurstId | None]]:
    """The leaves under a dataset's root in order, each with its burst: the header's and tombstones have none.

    Raises TrainingError where the dataset is not readable.
    """
    try:
        card = json.loads((folder / CARD).read_text(encoding="ascii"))
        found: list[tuple[str, BurstId | None]] = [(header(card["format"], card["question_versions"]), None)]
        for line, body in _lines(folder):
            erased = "tombstone" in body
            found.append((body["tombstone"], None) if erased else (leaf(line), BurstId(body["item"]["burst"]["id"])))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TrainingError(f"the dataset {folder} is not readable: {error!r}") from error
    return found


def folders(data_dir: Path) -> Sequence[Path]:
    """The frozen datasets of a data directory, by id."""
    root = data_dir / DATASETS
    return (
        sorted(path for path in root.iterdir() if path.suffix != ".tmp" and (path / ITEMS).is_file())
        if root.is_dir()
        else []
    )


def _lines(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for line in (folder / ITEMS).read_text(encoding="ascii").splitlines():
        yield line, json.loads(line)


def _tell(folder: Path, erased: int) -> None:
    """Write into a dataset's card how many of its items were erased; one that is damaged hinders no erasure."""
    with suppress(OSError, ValueError, TypeError):
        card = json.loads((folder / CARD).read_text(encoding="ascii")) | {"erased": erased}
        _replace(folder / CARD, json.dumps(card, indent=2) + "\n")
        if (folder / CARD_FOR_PEOPLE).exists():
            _replace(folder / CARD_FOR_PEOPLE, markdown(card))


def _replace(path: Path, text: str) -> None:
    with replacing(path) as aside:
        aside.write_text(text, encoding="utf-8")


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ExportError(f"could not take erased items out of {folder}: {error!r}; it is tried again") from error

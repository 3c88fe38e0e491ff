"""``quandary dataset``: what was frozen, whether it is still what it was, and what sets of rows share."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from models.dataset_card import PARTS, markdown
from models.errors import InputError, TrainingError
from models.frozen import CARD, condition, folders, leaves_of
from models.item import Item
from models.labelled import read_items
from models.merkle import proof, proves
from models.settings import Settings, load_settings
from retrain.dataset import read_dataset
from retrain.duplicates import LEAST_LETTERS
from retrain.leakage import Shared, shared
from retrain.options import AS_JSON, CONFIG


@click.group()
def dataset() -> None:
    """Look at frozen datasets: list, show, verify; and at what two files of labelled rows share."""


@dataset.command("list")
@CONFIG
@AS_JSON
def list_(config: Path, *, as_json: bool) -> None:
    """Every frozen dataset: when, how many bursts, how many erased since."""
    rows = []
    for folder in folders(load_settings(config).data_dir):
        told, found = _card(folder), condition(folder)
        rows.append(
            {
                "id": folder.name,
                "frozen_at": told["frozen_at"],
                **{part: told[part]["items"] for part in PARTS},
                "erased": found.tombstones,
                "verified": found.verified,
            }
        )
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    if not rows:
        click.echo("no dataset was frozen yet; `quandary cycle` does it")
        return
    table = Table(Column("id", no_wrap=True), Column("frozen", no_wrap=True), *PARTS, "erased since", "verified")
    for row in sorted(rows, key=lambda row: str(row["frozen_at"])):
        verified = "yes" if row["verified"] else "NO"
        counts = (str(row[part]) for part in (*PARTS, "erased"))
        table.add_row(row["id"][:12], str(row["frozen_at"])[:10], *counts, verified)
    Console().print(table)


@dataset.command()
@click.argument("name", metavar="ID")
@CONFIG
@AS_JSON
def show(name: str, config: Path, *, as_json: bool) -> None:
    """The card of dataset ID (its first digits will do): parts, questions, agreement, languages, rooms, rights."""
    folder = _folder(load_settings(config), name)
    told = _card(folder) | {"erased": condition(folder).tombstones}
    click.echo(json.dumps(told, indent=2) if as_json else markdown(told))


@dataset.command()
@click.argument("name", metavar="[ID]", required=False)
@click.option("--burst", help="Prove that this burst is an item of it, too.")
@CONFIG
@AS_JSON
def verify(name: str | None, burst: str | None, config: Path, *, as_json: bool) -> None:
    """Compute the Merkle root of dataset ID, or of all, anew, and look for leaks; an error ends it if any is amiss."""
    settings = load_settings(config)
    if burst is not None and name is None:
        raise InputError("name the dataset that the burst is to be an item of")
    rows = [
        _verified(folder, burst)
        for folder in (folders(settings.data_dir) if name is None else [_folder(settings, name)])
    ]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    else:
        for row in rows:
            click.echo(f"{row['id'][:12]}: {row['told']}")
    if amiss := [row["id"][:12] for row in rows if not row["sound"]]:
        raise TrainingError(
            f"{', '.join(amiss)}: not what was frozen, or leaking; see above, and freeze the labels anew"
        )


def _verified(folder: Path, burst: str | None) -> dict[str, Any]:
    found = condition(folder)
    row: dict[str, Any] = {"id": folder.name, "items": found.items, "erased": found.tombstones, "root": found.verified}
    if not found.verified:
        return row | {"sound": False, "told": "CHANGED after it was frozen: its root is not its name"}
    leaks = read_dataset(folder).leakage
    told = f"its root holds over {found.items} items and {found.tombstones} tombstones; "
    told += "; ".join(leaks.faults) or "nothing leaks from holdout to training"
    row |= {"sound": not leaks.faults, "leaks": list(leaks.faults), "told": told}
    if burst is not None:
        leaves = leaves_of(folder)
        place = next((place for place, (_, held) in enumerate(leaves) if held == burst), None)
        if place is None:
            raise InputError(f"dataset {folder.name[:12]} holds no burst {burst}; it may have been erased")
        node, path = leaves[place][0], proof([leaf for leaf, _ in leaves], place)
        if not proves(node, place, path, folder.name):
            raise TrainingError(f"burst {burst} is no item of dataset {folder.name[:12]}")
        row |= {"proof": {"leaf": node, "place": place, "path": path}}
        row["told"] += f"; burst {burst} is leaf {place}, proved by {len(path)} hashes"
    return row


def _folder(settings: Settings, name: str) -> Path:
    found = [folder for folder in folders(settings.data_dir) if name and folder.name.startswith(name)]
    if len(found) == 1:
        return found[0]
    told = ", ".join(folder.name[:12] for folder in folders(settings.data_dir)) or "none"
    raise InputError(f"{len(found)} datasets have an id that begins with {name!r}; there are: {told}")


def _card(folder: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads((folder / CARD).read_text(encoding="ascii"))
    except (OSError, ValueError) as error:
        raise TrainingError(f"the card of the dataset {folder} is not readable: {error!r}") from error
    return found


@dataset.command("leakage")
@click.argument("train", type=click.Path(path_type=Path))
@click.argument("dev", type=click.Path(path_type=Path))
@click.option(
    "--letters",
    type=click.IntRange(min=1),
    default=LEAST_LETTERS,
    show_default=True,
    help="How long a text must be for its copy to count; everybody says 'thanks a lot'.",
)
@click.option("--show", type=click.IntRange(min=0), default=5, show_default=True, help="So many examples of each kind.")
@CONFIG
@AS_JSON
def leakage(train: Path, dev: Path, letters: int, show: int, config: Path, *, as_json: bool) -> None:
    """What do the labelled rows of TRAIN and DEV share: conversations, rooms, messages, texts?"""
    questions = load_settings(config).questions
    here, there = read_items(train, questions), read_items(dev, questions)
    found = shared(here, there, files=True, letters=letters)
    if as_json:
        click.echo(json.dumps(figures(found, here, there) | {"letters": letters}, indent=2))
        return
    table = Table("", f"of {len(here)} in {train.name}", f"of {len(there)} in {dev.name}")
    for name, (ours, theirs) in _places(found).items():
        table.add_row(name, str(len(ours)), str(len(theirs)))
    Console().print(table)
    click.echo(f"conversations in both: {len(found.conversations)}; rooms in both: {len(found.rooms)}")
    for name, (_, theirs) in _places(found).items():
        for place in theirs[:show]:
            Console().print(Text(f"{name}: {there[place].burst.text[:200]}"))


def figures(found: Shared, here: Sequence[Item], there: Sequence[Item]) -> dict[str, Any]:
    """What is shared, in numbers: rows of either file."""
    counts = {name: {"train": len(ours), "dev": len(theirs)} for name, (ours, theirs) in _places(found).items()}
    return {
        "rows": {"train": len(here), "dev": len(there)},
        "conversations": len(found.conversations),
        "rooms": len(found.rooms),
        **counts,
    }


def _places(found: Shared) -> dict[str, tuple[Sequence[int], Sequence[int]]]:
    texts = found.texts
    return {
        "messages": (found.showing, found.showing_there),
        "exact": (texts.exact, texts.exact_there),
        "near": (texts.near, texts.near_there),
    }

"""``quandary dataset``: what was frozen, whether it is still what it was, and what sets of rows share."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from models.item import Item
from models.labelled import read_items
from models.settings import load_settings
from retrain.duplicates import LEAST_LETTERS
from retrain.leakage import Shared, shared

CONFIG = click.option(
    "--config", type=click.Path(path_type=Path), default=Path("config.toml"), show_default=True, help="Settings file."
)
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print figures as JSON.")


@click.group()
def dataset() -> None:
    """Look at frozen datasets: list, show, verify; and at what two files of labelled rows share."""


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

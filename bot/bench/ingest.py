"""``quandary bench ingest``: how many messages a second go through, what a crowd's pace does, and what is lost."""

import asyncio
import json
import platform
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from bot.bench.crowd import Crowd, made_up_texts
from bot.bench.flow import STUB
from bot.bench.ingest_limit import limit
from bot.bench.ingest_paced import paced as at_pace
from bot.collector import look_less_often
from bot.logs import set_up_logs
from models.errors import InputError
from models.labelled import read_json_lines
from models.settings import load_settings


@click.command()
@click.option("--messages", type=click.IntRange(min=1), default=40_000, show_default=True, help="For each arm.")
@click.option("--rounds", type=click.IntRange(min=1), default=4, show_default=True, help="Slices; arms take turns.")
@click.option("--rooms", type=click.IntRange(min=1), default=1000, show_default=True)
@click.option("--members", type=click.IntRange(min=1), default=10_000, show_default=True)
@click.option("--paced", type=click.FloatRange(min=0), default=0.0, help="Seconds of talk at --rate, after the limit.")
@click.option("--rate", type=click.FloatRange(min=0.01), default=200.0, show_default=True, help="Messages a second.")
@click.option("--model", default=STUB, show_default=True, help="What decides at pace: stub, a built-in name, a file.")
@click.option("--only-paced", is_flag=True, help="Leave the limit out.")
@click.option("--texts", type=click.Path(path_type=Path), help='JSON lines with "text".  [default: made from the seed]')
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print figures as JSON.")
@click.pass_obj
def ingest(
    config: Path,
    messages: int,
    rounds: int,
    rooms: int,
    members: int,
    paced: float,
    rate: float,
    model: str,
    texts: Path | None,
    seed: int,
    *,
    only_paced: bool,
    as_json: bool,
) -> None:
    """Send a crowd's talk through the real pipeline and a store that is thrown away, the log written as by `up`.

    First the limit: a stub decides, and all arms take the same slices in turn. Then, with --paced, what happens at
    --rate with --model: what is lost (nothing may be), how memory grows, how long closed bursts wait.
    """
    settings = load_settings(config)
    crowd = Crowd(rooms=rooms, members=members, rate=rate, seed=seed)
    lines = made_up_texts(seed) if texts is None else _lines(texts)
    found: dict[str, Any] = {"python": platform.python_version(), "rooms": rooms, "members": members, "seed": seed}
    with tempfile.TemporaryDirectory(prefix="quandary-") as name:
        folder = Path(name)
        with (folder / "log").open("w", encoding="utf-8") as log:
            set_up_logs("info", log)
            look_less_often()  # as `up` does
            try:
                if not only_paced:
                    taken = limit(settings, crowd, lines, folder, messages=messages, rounds=rounds)
                    found["limit"] = asyncio.run(taken)
                if paced > 0:
                    found["paced"] = asyncio.run(at_pace(settings, crowd, lines, folder, seconds=paced, model=model))
            finally:
                set_up_logs("warning")
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        _show(found)


def _lines(path: Path) -> list[str]:
    """Texts of a chat file; raises InputError where there is none."""
    texts = [row["text"] for _, row in read_json_lines(path) if isinstance(row.get("text"), str) and row["text"]]
    if not texts:
        raise InputError(f'no line of {path} has a "text"')
    return texts


def _show(found: Mapping[str, Any]) -> None:
    console = Console()
    if (measured := found.get("limit")) is not None:
        table = Table(title=f"{measured['messages']} messages in {found['rooms']} rooms, decided by a stub")
        for column in ("arm", "messages a second", "for each second of processor time", "rounds"):
            table.add_column(column, justify="left" if column == "arm" else "right")
        for name, arm in measured["arms"].items():
            each = " ".join(f"{rate:.0f}" for rate in arm["rounds"])
            table.add_row(name, f"{arm['messages_per_s']:.0f}", f"{arm['messages_per_processor_s']:.0f}", each)
        console.print(table)
        console.print(
            f"lost {measured['lost']}, doubled {measured['doubled']}, undecided {measured['undecided']}; "
            f"journal {measured['journal_mode']}, synchronous {measured['synchronous']}"
        )
    if (measured := found.get("paced")) is not None:
        table = Table(title=f"{measured['seconds']:g} s at pace, decided by {measured['model']}", show_header=False)
        for name, value in measured.items():
            if isinstance(value, Mapping):
                table.add_row(name, ", ".join(f"{key} {each}" for key, each in value.items()))
            else:
                table.add_row(name, str(value))
        console.print(table)

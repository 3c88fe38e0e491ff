"""``quandary replay``: what would become of a recorded chat."""

import asyncio
import json
import tempfile
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bot.replay import Replayed
from bot.replay import replay as run
from models.settings import RoomTable, Settings, load_settings

SHOWN = {
    "messages": "messages",
    "bursts": "bursts",
    "decisions": "decisions",
    "acted": "acted on",
    "asked": "silent because it is unsure",
    "passed": "passed in silence",
    "unsure": "worth asking about",
    "picked": "  of these picked within the day's budget",
    "audited": "drawn for the blind audit",
    "requested": "requests for labels",
    "ms_per_burst": "milliseconds of deciding a burst",
    "seconds": "seconds in all",
}


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--model", help="GGUF, folder (GGUF or checkpoint) or built-in name.  [default: champion]")
@click.option("--speed", type=click.FloatRange(min=0), default=0.0, help="Multiple of real time; 0 is full speed.")
@click.option("--keep", is_flag=True, help="Write into config.toml's data_dir instead of a store that is thrown away.")
@click.option("--json", "as_json", is_flag=True, help="Print figures as JSON.")
@click.pass_obj
def replay(config: Path, file: Path, model: str | None, speed: float, *, keep: bool, as_json: bool) -> None:
    """Send FILE (JSON lines: id, room, sender, text, timestamp) through the live pipeline.

    Needs no running bot; nothing is sent to Argilla and no reply leaves this machine. What is asked about is told as
    if all rooms had the mode "label"; with --keep they have the modes that config.toml gives them.
    """
    settings = load_settings(config)
    with tempfile.TemporaryDirectory(prefix="quandary-") as folder:
        data_dir = settings.data_dir if keep else Path(folder)
        if not keep:  # nothing leaves this machine or stays on it: what would be asked about may be shown
            settings = settings.model_copy(update={"room": (RoomTable(id="*", mode="label"),)})
        found = _with_bar(settings, file, data_dir, model, speed, quiet=as_json)
    if as_json:
        click.echo(json.dumps({"file": str(file), **found.figures()}, indent=2))
        return
    table = Table(title=f"{file.name} by {found.model} ({found.revision})", show_header=False)
    figures = found.figures()
    for name, label in SHOWN.items():
        table.add_row(label, str(figures[name]))
    Console(markup=False, emoji=False).print(table)


def _with_bar(
    settings: Settings, file: Path, data_dir: Path, model: str | None, speed: float, *, quiet: bool
) -> Replayed:
    console = Console(stderr=True, markup=False, emoji=False)
    with Progress(console=console, transient=True, disable=quiet or not console.is_terminal) as progress:
        bar = progress.add_task("messages", total=None)
        return asyncio.run(
            run(
                settings,
                file,
                data_dir=data_dir,
                model=model,
                speed=speed,
                begins=lambda total: progress.update(bar, total=total),
                advance=lambda count: progress.advance(bar, count),
            )
        )

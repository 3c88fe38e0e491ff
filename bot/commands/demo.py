"""``quandary demo``: the whole loop on a real chat, in under five minutes."""

import asyncio
import json
import shutil
import time
from pathlib import Path

import click
from rich.console import Console

from bot.demo.flow import Choice, Demo, write_report
from bot.demo.keyboard import pressed_yes
from bot.demo.screen import Screen
from labeling.embedded import EmbeddedArgilla
from models.settings import load_settings

MARK = ".quandary-demo"


@click.command()
@click.option("--approve", is_flag=True, help="Let the candidate serve without a keypress.")
@click.option("--override", is_flag=True, help="Even if the gate does not pass it.")
@click.option("--once", is_flag=True, help="End after the table instead of keeping Argilla up.")
@click.option(
    "--folder", type=click.Path(path_type=Path), help="Where to work, made anew.  [default: demo in the data directory]"
)
@click.option("--json", "as_json", is_flag=True, help="Print what was measured as JSON at the end.")
@click.pass_obj
def demo(config: Path, folder: Path | None, *, approve: bool, override: bool, once: bool, as_json: bool) -> None:
    """Replay a real group chat, label it in a real Argilla, train, judge, approve, and compare before and after."""
    settings = load_settings(config)
    work = _fresh(folder or settings.data_dir / "demo")
    screen = Screen(Console(stderr=as_json))
    began = time.monotonic()
    choice = Choice(approve=approve, override=override, ask=pressed_yes)
    show = Demo(settings, work, screen, choice)

    async def afterwards(argilla: EmbeddedArgilla) -> None:
        seconds = time.monotonic() - began
        show.report["seconds"] = round(seconds, 1)
        show.report["phases"] = {title: round(spent, 1) for title, (spent, _) in screen.phases.items()}
        write_report(show.report, work / "report.json")
        screen.console.print(f"\n{seconds:.0f} seconds in all; figures are in {work / 'report.json'}")
        login = argilla.credentials
        screen.console.print(f"Argilla: [bold]{argilla.url}[/bold]  user {login.username}  password {login.password}")
        if not once:
            screen.console.print("Look around; ctrl-C ends.")
            await asyncio.Event().wait()

    try:
        asyncio.run(show.run(afterwards))
    except KeyboardInterrupt:
        screen.console.print("\nstopped; everything that ran has been ended")
    if as_json:
        click.echo(json.dumps(show.report, indent=2))


def _fresh(folder: Path) -> Path:
    """Make the demo's folder anew; one that no demo made is never emptied."""
    if folder.exists():
        if not folder.is_dir():
            raise click.BadParameter(f"{folder} is a file; choose another --folder")
        if any(folder.iterdir()) and not (folder / MARK).exists():
            raise click.BadParameter(f"{folder} is not empty and no demo made it; choose another --folder")
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / MARK).touch()
    return folder.resolve()

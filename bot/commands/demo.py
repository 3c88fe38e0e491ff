"""``quandary demo``: the whole loop on a real chat, in under five minutes."""

import asyncio
import json
import shutil
import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bot.demo.flow import Choice, Demo, write_report
from bot.demo.screen import Screen
from labeling.embedded import EmbeddedArgilla
from models.settings import load_settings

MARK = ".quandary-demo"


def demo(
    context: typer.Context,
    approve: Annotated[bool, typer.Option("--approve", help="Let the candidate serve without a keypress.")] = False,
    override: Annotated[bool, typer.Option("--override", help="Even if the gate does not pass it.")] = False,
    once: Annotated[bool, typer.Option("--once", help="End after the table instead of keeping Argilla up.")] = False,
    folder: Annotated[Path | None, typer.Option(help="Where to work; by default <data_dir>/demo, made anew.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was measured as JSON at the end.")] = False,
) -> None:
    """Replay a real group chat, label it in a real Argilla, train, judge, approve, and compare before and after."""
    settings = load_settings(context.obj)
    work = _fresh(folder or settings.data_dir / "demo")
    screen = Screen(Console(stderr=as_json))
    began = time.monotonic()
    keyboard = sys.stdin.isatty()
    choice = Choice(
        approve=approve, override=override, ask=lambda text: keyboard and typer.confirm(f"   {text}", default=False)
    )
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
        typer.echo(json.dumps(show.report, indent=2))


def _fresh(folder: Path) -> Path:
    """Make the demo's folder anew; one that no demo made is never emptied."""
    if folder.exists():
        if any(folder.iterdir()) and not (folder / MARK).exists():
            raise typer.BadParameter(f"{folder} is not empty and no demo made it; choose another --folder")
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / MARK).touch()
    return folder.resolve()

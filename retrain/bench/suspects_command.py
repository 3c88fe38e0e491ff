"""The command ``quandary bench suspects``."""

import json
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from models.labelled import read_items
from models.settings import load_settings
from retrain.bench.heads import UpperHeads
from retrain.bench.rungs import UpperRungs
from retrain.bench.suspects import NOISES, Run, Summary, Upper, body, run, summaries
from retrain.cycle import thinned
from retrain.options import AS_JSON, CONFIG
from retrain.stage import say

SHOWN = {
    "chance": "chance",
    "sent": "sent",
    "precision": "precision",
    "recall": "recall",
    "expected": "expected precision",
    "at_planted": "precision of as many as planted",
    "auc": "AUC",
    "confident_precision": "cleanlab: precision",
    "confident_recall": "recall",
}


@click.command()
@click.argument("train", type=click.Path(path_type=Path))
@click.option("--seeds", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--items", type=click.IntRange(min=0), default=0, help="Take so many rows, evenly spread; 0: all.")
@click.option("--noise", "noises", multiple=True, type=click.Choice(NOISES), help="Only this; several may be given.")
@click.option(
    "--rung", "rungs", multiple=True, help="Train this rung out of fold, too; slow. May be given twice, smaller first."
)
@click.option("--head", "heads", multiple=True, help="The same by a head on this rung's hidden states; minutes.")
@click.option(
    "--work", type=click.Path(path_type=Path), help="Where --rung and --head keep what they made; needed with them."
)
@click.option("--unseen", is_flag=True, help="No rung has learned from TRAIN: those with gold may judge it.")
@CONFIG
@AS_JSON
def suspects(
    train: Path,
    seeds: int,
    items: int,
    noises: tuple[str, ...],
    rungs: tuple[str, ...],
    heads: tuple[str, ...],
    work: Path | None,
    config: Path,
    *,
    unseen: bool,
    as_json: bool,
) -> None:
    """Plant wrong labels in TRAIN and see how many of those sent back are wrong: flips, and a biased annotator."""
    settings = load_settings(config)
    if (rungs or heads) and work is None:
        raise click.UsageError("--rung and --head need --work, a folder for what they make")
    if rungs and heads:
        raise click.UsageError("--rung trains the rungs and --head does not; name one kind")
    rows = thinned(read_items(train, settings.questions), items)
    upper: Upper | None = None
    if work is not None and (rungs or heads):
        if rungs:
            upper = UpperRungs(rungs, settings, work, say, unseen=unseen)
        else:
            upper = UpperHeads(heads, rows, settings, work, say, unseen=unseen)
    found = run(settings.questions, rows, noises or NOISES, seeds, say, upper)
    if as_json:
        click.echo(json.dumps(body(found), indent=2))
        return
    _show(summaries(found), found)


def _show(told: list[Summary], runs: list[Run]) -> None:
    console = Console(width=170)  # intervals in every cell
    for question in dict.fromkeys(one.question for one in told):
        mine = [one for one in told if one.question == question]
        table = Table(title=f"{question}: {mine[0].figures['labels'][0]:.0f} labels, {mine[0].seeds} seeds")
        rungs = any(one.figures["rungs_sent"][0] for one in mine)
        shown = SHOWN | ({"rungs_precision": "upper rungs: precision", "rungs_recall": "recall"} if rungs else {})
        for column in ("noise", *shown.values()):
            table.add_column(column, justify="left" if column == "noise" else "right")
        for one in mine:
            table.add_row(one.noise, *(_told(one, key) for key in shown))
        console.print(table)
    odd, biased = sum(r.biased_found for r in runs), sum(r.biased for r in runs)
    alarms, honest = sum(r.false_alarms for r in runs), sum(r.honest for r in runs)
    console.print(f"biased annotators found: {odd} of {biased}; honest ones called outliers: {alarms} of {honest}")


def _told(one: Summary, key: str) -> str:
    """A mean with its interval over rooms, or else over seeds."""
    mean, half = one.figures[key]
    if key in one.over_rooms:
        low, high = one.over_rooms[key]
        return f"{mean:.2f} [{low:.2f}, {high:.2f}]"
    digits = 0 if key == "sent" else 3
    return f"{mean:.{digits}f}" + ("" if half is None else f" \u00b1 {half:.{digits}f}")

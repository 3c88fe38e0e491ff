"""``quandary selection``: which labels the newest candidate was trained on, and why not the others."""

import json
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from models.selection import LabelScore, SelectionRun, Why, counted
from models.settings import load_settings
from models.store import selection as store
from models.store.database import open_database


@click.command()
@click.option("--labels", "with_labels", is_flag=True, help="Every label with its scores, too.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.pass_obj
def selection(config: Path, *, with_labels: bool, as_json: bool) -> None:
    """Which labels the last learning trained its candidate on, by what method, and why it left others out."""
    settings = load_settings(config)
    with closing(open_database(settings.data_dir)) as db:
        run = store.newest(db)
        scores = [] if run is None else store.scores(db, run.dataset)
    picture = None if run is None or run.picture is None else settings.data_dir / run.picture
    if as_json:
        click.echo(json.dumps(_body(run, scores, picture, with_labels=with_labels), indent=2))
    elif run is None:
        click.echo("no labels were chosen yet: `quandary cycle` does it")
    else:
        _show(run, scores, picture, with_labels=with_labels)


def _body(
    run: SelectionRun | None, scores: list[LabelScore], picture: Path | None, *, with_labels: bool
) -> dict[str, object] | None:
    if run is None:
        return None
    body: dict[str, object] = asdict(run) | {
        "chosen_at": run.chosen_at.isoformat(),
        "picture": None if picture is None else str(picture),
        "labels": {question: {why.value: n for why, n in found.items()} for question, found in counted(scores).items()},
    }
    return body | ({"scores": [asdict(score) for score in scores]} if with_labels else {})


def _show(run: SelectionRun, scores: list[LabelScore], picture: Path | None, *, with_labels: bool) -> None:
    console = Console(markup=False, emoji=False)
    what = "all labels" if run.method == "all" else f"{run.share:.3g} of the labels by {run.method}, {run.balance}"
    twice = ", near-duplicates dropped" if run.drop_near_duplicates else ""
    table = Table(title=f"{run.chosen_at:%Y-%m-%d %H:%M} UTC, {run.rung}: {what}{twice}")
    for column in ("question", *Why):
        table.add_column(str(column), justify="left" if column == "question" else "right")
    for question, found in counted(scores).items():
        table.add_row(question, *(str(found[why]) for why in Why))
    console.print(table)
    for note in run.notes:
        click.echo(note)
    if with_labels:
        console.print(_labels(scores))
    if picture is not None:
        click.echo(f"picture: {picture}")


def _labels(scores: list[LabelScore]) -> Table:
    table = Table()
    figures = ("untuned loss", "tuned loss", "learnability", "IFD", "margin")
    for column in ("burst", "question", "label", *figures, "why"):
        table.add_column(column, justify="right" if column in figures else "left")
    for one in sorted(scores, key=lambda s: (s.question, -s.learnability, s.burst)):
        row = (one.base_loss, one.reference_loss, one.learnability, one.ifd, one.margin)
        table.add_row(one.burst, one.question, one.given, *(f"{value:.3f}" for value in row), one.why)
    return table

"""The commands of ``python -m retrain bench``; ``quandary bench`` hands them on."""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from models.errors import InputError
from models.settings import load_settings
from retrain.bench.accuracy import Match, cross_fitted, held_out
from retrain.bench.contest import AT_PRECISION, Estimate
from retrain.bench.speed import forward, weights

SHOWN = {
    "f1": "F1",
    "macro_f1": "macro-F1",
    "precision": "precision",
    "recall": "recall",
    AT_PRECISION: "recall at rule's precision",
}
COUNTED = {"plain": "each row once", "natural": "at natural rates"}


@click.group()
def bench() -> None:
    """Measure how good decisions are, and what bounds hold."""


bench.add_command(weights)
bench.add_command(forward)


@bench.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--model", "models", multiple=True, help="A GGUF or built-in name; several may be given.  [default: starter]"
)
@click.option("--folds", type=click.IntRange(min=0), default=0, help="Cross-fit on each TRAIN in so many folds, too.")
@click.option(
    "--scores",
    multiple=True,
    type=click.Path(path_type=Path),
    help='Scores of a model as JSON lines: {"id", "room", "is_question": p, "needs_context": p}.',
)
@click.option("--seed", default=0, show_default=True)
@click.option("--config", type=click.Path(path_type=Path), default=Path("config.toml"), show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print figures as JSON.")
def accuracy(
    files: Sequence[Path],
    models: Sequence[str],
    folds: int,
    scores: Sequence[Path],
    seed: int,
    config: Path,
    *,
    as_json: bool,
) -> None:
    """Models beside the wide rule and the cheap learner. FILES are pairs, TRAIN DEV; with --folds one TRAIN will do.

    On DEV models answer as they are (temperature and thresholds play no part), and the learner is trained on TRAIN.
    With --folds the learner is judged on TRAIN out of fold by conversation; a model takes part by its own out-of-fold
    scores (--scores), for one that was trained on the rows would look better than it is.
    """
    if len(files) % 2 and not (folds and len(files) == 1):
        raise InputError("give pairs of files, TRAIN DEV; one TRAIN alone is enough only with --folds")
    if folds == 1:
        raise InputError("one fold leaves nothing to train on; give --folds 2 or more")
    settings = load_settings(config)
    say = partial(click.echo, err=True)
    matches: list[Match] = []
    for train, dev in zip(files[::2], files[1::2], strict=False):
        matches += held_out(train, dev, models or ("starter",), scores, settings, seed, say)
    for train in files[::2] if folds else ():
        matches += cross_fitted(train, folds, scores, settings, seed, say)
    if as_json:
        click.echo(json.dumps([match.body() for match in matches], indent=2))
    else:
        for match in matches:
            _show(match)


def _show(match: Match) -> None:
    console = Console()
    console.print(
        f"\n{match.rows}, {match.question}: {match.labels} labels ({match.positives} positive) from "
        f"{match.conversations} conversations; {match.how}",
        highlight=False,
        markup=False,
    )
    for told in (
        match.note,
        f"{match.left_out} labels that abstain are left out" if match.left_out else "",
        f"{match.unscored} labels without a score of every contender are left out" if match.unscored else "",
    ):
        if told:
            console.print(told, highlight=False, markup=False)
    for view in match.views:
        table = Table(title=COUNTED[view.counting], title_justify="left")
        shown = [figure for figure in SHOWN if figure in next(iter(view.figures.values()))]
        for column in ("", *(SHOWN[figure] for figure in shown)):
            table.add_column(column, justify="right" if column else "left")
        for name, figures in view.figures.items():
            table.add_row(name, *(_told(figures[figure]) for figure in shown))
        for peer in dict.fromkeys(d.peer for d in view.differences):
            for name in dict.fromkeys(d.contender for d in view.differences):
                pairs = {d.figure: d.estimate for d in view.differences if (d.contender, d.peer) == (name, peer)}
                cells = (_told(pairs[figure], signed=True) if figure in pairs else "" for figure in shown)
                table.add_row(f"{name} less {peer}", *cells)
        console.print(table)


def _told(estimate: Estimate, *, signed: bool = False) -> str:
    sign = "+" if signed else ""
    value = f"{estimate.value:{sign}.3f}"
    if estimate.interval is None:
        return value
    low, high = estimate.interval
    return f"{value} [{low:{sign}.3f}, {high:{sign}.3f}]"

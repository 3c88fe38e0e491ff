"""The commands that only measure: ``python -m retrain bench`` and ``reliability``; ``quandary`` hands them on."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from models.errors import InputError
from models.labelled import read_items
from models.llama import gguf_of
from models.settings import load_settings
from retrain.bench.accuracy import Match, cross_fitted, held_out
from retrain.bench.acquisition.command import acquisition
from retrain.bench.acquisition.lora_command import acquisition_lora
from retrain.bench.contest import AT_PRECISION, Estimate
from retrain.bench.gate.command import gate
from retrain.bench.harness_command import harness
from retrain.bench.rank.command import lowrank
from retrain.bench.risk import run as run_risk
from retrain.bench.risk import standard_cases
from retrain.bench.selection.command import selection
from retrain.bench.speed import forward, weights
from retrain.bench.suspects_command import suspects
from retrain.bench.training.command import train
from retrain.candidate import read_gguf
from retrain.judged import judged, scored
from retrain.options import AS_JSON, CONFIG
from retrain.reliability import Reliability, draw_reliability
from retrain.reliability import reliability as measured
from retrain.stage import say
from retrain.starter.aside import write_split

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
bench.add_command(acquisition)
bench.add_command(acquisition_lora)
bench.add_command(suspects)
bench.add_command(gate)
bench.add_command(lowrank)
bench.add_command(train)
bench.add_command(selection)
bench.add_command(harness)


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
@CONFIG
@AS_JSON
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
    matches: list[Match] = []
    for taught, dev in zip(files[::2], files[1::2], strict=False):
        matches += held_out(taught, dev, models or ("starter",), scores, settings, seed, say)
    for taught in files[::2] if folds else ():
        matches += cross_fitted(taught, folds, scores, settings, seed, say)
    if as_json:
        click.echo(json.dumps([match.body() for match in matches], indent=2))
    else:
        for match in matches:
            _show(match)


@bench.command()
@click.option("--sets", type=click.IntRange(min=1), default=4000, show_default=True, help="Audit sets made up a case.")
@click.option("--seed", default=0, show_default=True)
@AS_JSON
def risk(sets: int, seed: int, *, as_json: bool) -> None:
    """How often a threshold's promise is broken, with independent labels and with errors that come in blocks."""
    outcomes = run_risk(standard_cases(), sets, seed)
    if as_json:
        click.echo(json.dumps([asdict(outcome) for outcome in outcomes], indent=2))
        return
    table = Table(title=f"{sets} audit sets a case of {outcomes[0].case.labels} labels on one side")
    for column in ("error rate", "labels a block", "correlation", "sets with a threshold", "of all sets, broken"):
        table.add_column(column, justify="left" if column == "error rate" else "right")
    for found in outcomes:
        case = found.case
        told = "falls as scores rise" if case.profile == "falling" else f"just above {case.risk:.0%} everywhere"
        table.add_row(told, str(case.block), f"{case.share:g}", f"{found.acted:.1%}", f"{found.broken:.1%}")
    Console().print(table)


@click.command()
@click.argument("model")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--diagram", type=click.Path(path_type=Path), help="Draw the reliability diagram into this PNG.")
@click.option("--folds", type=click.IntRange(min=2), default=2, show_default=True, help="Parts of whole conversations.")
@click.option("--seed", default=0, show_default=True)
@CONFIG
@AS_JSON
def reliability(
    model: str, file: Path, diagram: Path | None, folds: int, seed: int, config: Path, *, as_json: bool
) -> None:
    """Do the probabilities of the GGUF MODEL mean what they say on the labelled rows of FILE?

    Calibration error (ECE) before and after a temperature that is fitted on other conversations than it is measured on.
    Nothing is written but the diagram.
    """
    settings = load_settings(config)
    items = read_items(file, settings.questions)
    readings = read_gguf(gguf_of(model), items, settings, lambda _done, _total: None)
    rows = [judged(q, items, readings[q.id]) for q in settings.questions]
    found = [measured(r, folds, seed) for r in rows if len(scored(r).gold)]
    if not found:
        raise InputError(f"no row of {file} has a label for a question of config.toml")
    if diagram is not None:
        draw_reliability(found, diagram)
    if as_json:
        click.echo(json.dumps([asdict(one) for one in found], indent=2))
        return
    for one in found:
        _show_reliability(one)


def _show_reliability(one: Reliability) -> None:
    temperatures = ", ".join(f"{t:.2f}" for t in one.temperatures)
    table = Table(
        title=f"{one.question}: {one.labels} labels from {one.conversations} conversations; temperatures {temperatures}"
    )
    for column in ("", "ECE", "log loss", "confidence -> right (share of decisions), by bin"):
        table.add_column(column, justify="left" if not column or column[0] == "c" else "right")
    for name, half in (("temperature 1", one.before), ("fitted on other conversations", one.after)):
        bins = ", ".join(f"{b.confidence:.2f} -> {b.right:.2f} ({b.share:.0%})" for b in half.bins)
        table.add_row(name, _told(Estimate(value=half.ece, interval=half.ece_interval)), f"{half.log_loss:.3f}", bins)
    Console().print(table)


@bench.command("set-aside")
@click.argument("gold", type=click.Path(path_type=Path))
@click.argument("folder", type=click.Path(path_type=Path))
def set_aside(gold: Path, folder: Path) -> None:
    """Split the GOLD train file as the starter family's recipe does: two files in FOLDER, TRAIN DEV for accuracy."""
    for path in write_split(gold, folder):
        click.echo(path)


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

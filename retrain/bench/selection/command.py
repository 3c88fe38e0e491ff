"""The command ``bench selection``: methods of choosing what to train on, at 6, 16.7, 50 and 100 % of the labels."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from models.errors import InputError
from models.labelled import read_items
from models.question import Question
from models.scoring import distribution, positive_probability
from models.settings import load_settings
from retrain.bench.acquisition.figures import Interval
from retrain.bench.acquisition.loop import pool_rows
from retrain.bench.acquisition.sets import LabelledSet, read_sets, subsample
from retrain.bench.selection.arms import ARMS, RANDOM, SHARES
from retrain.bench.selection.figures import At, Result, Row, best, compare
from retrain.bench.selection.lora import Confirmation, Confirmed
from retrain.bench.selection.sweep import Vanilla, sweep
from retrain.ladder import Course, Rung, read_vanilla
from retrain.options import AS_JSON, CONFIG, kept_in
from retrain.selection.ladder import Blank, read_blank
from retrain.selection.methods import RANDOM as BY_CHANCE
from retrain.stage import say, told

PRODUCT = tuple(name for name, arm in ARMS.items() if arm.method != BY_CHANCE and arm.losses == "fitted")
"""What a training can choose by, chance apart."""


@click.command()
@click.argument("train", type=click.Path(path_type=Path))
@click.argument("dev", type=click.Path(path_type=Path))
@click.option("--rung", default="starter-base-s", show_default=True, help="Frozen base of heads and of LoRA runs.")
@click.option("--seeds", default=10, show_default=True, help="Of the sweep, 2 at least; 0 leaves it out.")
@click.option("--rows", type=click.IntRange(min=400), default=6000, show_default=True, help="Of a file at most.")
@click.option("--pool", type=click.IntRange(min=100), default=2500, show_default=True, help="Labels a seed draws.")
@click.option("--lora", "with_lora", is_flag=True, help="Confirm the best method and random with LoRA runs.")
@click.option("--lora-arm", "lora_arms", multiple=True, type=click.Choice(PRODUCT), help="Confirm this, not the best.")
@click.option("--lora-seeds", type=click.IntRange(min=1), default=3, show_default=True)
@click.option(
    "--lora-share",
    "lora_shares",
    multiple=True,
    type=click.FloatRange(0, 1, min_open=True),
    default=SHARES,
    show_default="the sweep's",
    help="Of the labels, for LoRA.",
)
@click.option("--lora-rows", type=click.IntRange(min=100), default=600, show_default=True, help="Of TRAIN at most.")
@kept_in("var/selection", "What a stopped run goes on from.")
@CONFIG
@AS_JSON
def selection(
    train: Path,
    dev: Path,
    rung: str,
    seeds: int,
    rows: int,
    pool: int,
    with_lora: bool,
    lora_arms: Sequence[str],
    lora_seeds: int,
    lora_shares: Sequence[float],
    lora_rows: int,
    work: Path,
    config: Path,
    *,
    as_json: bool,
) -> None:
    """Does it pay to train on fewer labels of TRAIN, chosen, rather than on as many at random? Judged on DEV.

    A logistic head on frozen hidden states and n-grams stands in for training. The best is what is farthest above
    as many at random in the mean over questions and shares; a star marks gaps whose interval leaves out 0.
    """
    if seeds == 1 or (not seeds and not (with_lora and lora_arms)):
        raise InputError("--seeds must be 2 or more, or 0 with --lora and a --lora-arm, which leaves the sweep out")
    settings = load_settings(config)
    items = subsample(read_items(train, settings.questions), rows)
    results = []
    if seeds:
        sets = read_sets(train, dev, settings, (rung,), rows, work, say)
        if not sets:
            raise InputError(f"{train} and {dev} have too few labels of any question")
        course = Course.of(settings, work, told(say))
        untuned, blank = read_vanilla(rung, items, course), read_blank(rung, items[0], course)
        results = [_swept(known, _vanilla(known, untuned, blank), seeds, pool) for known in sets]
    chosen = best(results, PRODUCT) if results else None
    arms = (RANDOM, *(lora_arms or ([chosen] if chosen else [])))
    confirmed: list[Confirmed] = []
    notes: Sequence[str] = ()
    if with_lora:
        held = read_items(dev, settings.questions)
        confirmation = Confirmation(rung, subsample(items, lora_rows), held, settings, work / "lora", say)
        notes = confirmation.notes
        confirmed = confirmation.runs(arms, lora_seeds, lora_shares)
    if as_json:
        body = {
            "rung": rung,
            "best": chosen,
            "sweep": [asdict(one) for one in results],
            "lora": [asdict(one) for one in confirmed],
            "lora_notes": list(notes),
        }
        click.echo(json.dumps(body, indent=2))
        return
    for result in results:
        _show(result)
    if chosen:
        click.echo(f"best of what a training can choose by: {chosen}")
    if confirmed:
        _show_lora(confirmed, settings.questions, rung, arms)
        for note in notes:
            click.echo(note)


def _swept(known: LabelledSet, untuned: Vanilla, seeds: int, pool: int) -> Result:
    say(f"{known.name}: {len(ARMS)} arms, {seeds} seeds")
    swept = sweep(known, untuned, [pool_rows(known, pool, seed) for seed in range(seeds)])
    return compare(known.name, swept, np.random.default_rng(0))


def _vanilla(known: LabelledSet, rung: Rung, blank: Blank) -> Vanilla:
    scores = rung.vanilla[known.question.id]
    positive = [_positive(known.question, scores[item.burst.id]) for item in known.pool]
    return Vanilla(positive=np.array(positive), blank=_positive(known.question, blank[known.question.id]))


def _positive(question: Question, scores: Sequence[float]) -> float:
    return positive_probability(question, distribution(question, scores))


def _show(one: Result) -> None:
    console = Console()
    console.print(
        f"\n{one.name}: {one.seeds} pools of {one.pool} labels, judged on {one.judged} rows from "
        f"{one.conversations} conversations; macro-F1, and less random's",
        highlight=False,
        markup=False,
    )
    table = Table()
    for column in ("", *(f"{share:.3g}" for share in SHARES), "mean over random"):
        table.add_column(column, justify="right" if column else "left")
    for row in one.rows:
        cells = [_cell(row, at) for at in row.at]
        table.add_row(row.arm, *cells, "" if row.arm == RANDOM else f"{row.mean:+.3f} {_told(row.mean_interval)}")
    console.print(table)
    for key, value in one.says.items():
        click.echo(f"{key}: {value}")
    for note in one.notes:
        click.echo(note)


def _show_lora(found: Sequence[Confirmed], questions: Sequence[Question], rung: str, arms: Sequence[str]) -> None:
    table = Table(title=f"{rung} with LoRA; a macro-F1 for each seed")
    for column in ("question", "share", "labels", *arms):
        table.add_column(column)
    for question in questions:
        for share in dict.fromkeys(one.share for one in found):
            mine = [one for one in found if one.share == share and question.id in one.macro_f1]
            cells = [", ".join(f"{o.macro_f1[question.id]:.3f}" for o in mine if o.arm == arm) for arm in arms]
            if mine:
                table.add_row(question.id, f"{share:.3g}", str(mine[0].labels), *cells)
    Console().print(table)


def _cell(row: Row, at: At) -> str:
    """Macro-F1 and gap, with a star where the interval of the gap is on one side of 0."""
    if row.arm == RANDOM:
        return f"{at.macro_f1:.3f}"
    low, high = at.over_random_interval
    return f"{at.macro_f1:.3f} {at.over_random:+.3f}{'*' if low > 0 or high < 0 else ''}"


def _told(interval: Interval) -> str:
    return f"[{interval[0]:+.3f}, {interval[1]:+.3f}]"

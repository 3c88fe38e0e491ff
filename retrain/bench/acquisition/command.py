"""The command ``bench acquisition``: which strategy needs the fewest labels, and where it does not."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from models.acquisition.strategies import COMMITTEE, DIVERSITY, ENTROPY, RANDOM, STRATEGIES
from models.errors import InputError
from models.settings import load_settings
from retrain.bench.acquisition.figures import SHARE, Comparison, Interval, compare
from retrain.bench.acquisition.loop import Course, full, pool_rows, run
from retrain.bench.acquisition.sets import ARMS, LabelledSet, read_sets
from retrain.options import AS_JSON, CONFIG, kept_in
from retrain.stage import say

COLD_BY_CHANCE = "margin, cold start by chance"
"""Margin sampling that begins with random bursts instead of diverse ones."""


@click.command()
@click.option(
    "--choose", "choosing", multiple=True, type=click.Path(path_type=Path), help="A TRAIN file: its first question."
)
@click.option(
    "--confirm", "confirming", multiple=True, nargs=2, type=click.Path(path_type=Path), help="Files TRAIN DEV."
)
@click.option(
    "--rung",
    "rungs",
    multiple=True,
    default=("starter-base-xs", "starter-base-m"),
    show_default=True,
    help="Frozen bases whose hidden states heads learn from; the last one decides, all are the committee.",
)
@click.option("--arm", "arms", multiple=True, type=click.Choice(ARMS), default=ARMS, show_default=True)
@click.option("--seeds", type=click.IntRange(min=2), default=10, show_default=True)
@click.option("--rows", type=click.IntRange(min=400), default=3000, show_default=True, help="Of a file at most.")
@click.option("--pool", type=click.IntRange(min=100), default=1500, show_default=True, help="Rows a seed can ask for.")
@kept_in("var/acquisition", "Where hidden states are kept.")
@CONFIG
@AS_JSON
def acquisition(
    choosing: Sequence[Path],
    confirming: Sequence[tuple[Path, Path]],
    rungs: Sequence[str],
    arms: Sequence[str],
    seeds: int,
    rows: int,
    pool: int,
    work: Path,
    config: Path,
    *,
    as_json: bool,
) -> None:
    """How many labels each way of asking needs to reach 95 % of the full-data score, against asking at random.

    A logistic head on frozen hidden states and n-grams stands in for training. On a file to choose on a quarter of its
    conversations is judged on; on a pair to confirm on, DEV is. Entropy is left out: of two answers it orders bursts as
    the margin does.
    """
    if not choosing and not confirming:
        raise InputError("give files: --choose TRAIN, --confirm TRAIN DEV")
    settings = load_settings(config)
    found: list[tuple[str, Comparison]] = []
    for use, train, dev in [*(("choose", t, None) for t in choosing), *(("confirm", t, d) for t, d in confirming)]:
        sets = read_sets(train, dev, settings, rungs, rows, work, say)
        for known in sets if dev is not None else sets[:1]:
            for arm in arms:
                say(f"{known.name}, {arm}: {seeds} seeds")
                found.append((use, _compared(known, arm, seeds, pool)))
    if as_json:
        click.echo(json.dumps([{"use": use, **asdict(one)} for use, one in found], indent=2))
        return
    for use, one in found:
        _show(use, one)


def _compared(known: LabelledSet, arm: str, seeds: int, most: int) -> Comparison:
    left_out = {ENTROPY} if len(known.features[arm]) > 1 else {ENTROPY, COMMITTEE}
    names = [name for name in STRATEGIES if name not in left_out]
    drawn = [pool_rows(known, most, seed) for seed in range(seeds)]
    courses: dict[str, list[Course]] = {
        name: [run(known, arm, name, rows, seed, cold=DIVERSITY) for seed, rows in enumerate(drawn)] for name in names
    }
    courses[COLD_BY_CHANCE] = [run(known, arm, "margin", rows, seed, cold=RANDOM) for seed, rows in enumerate(drawn)]
    whole = [full(known, arm, rows) for rows in drawn]
    return compare(known.name, arm, courses, whole, len(drawn[0]), np.random.default_rng(0))


def _show(use: str, one: Comparison) -> None:
    console = Console()
    console.print(
        f"\n{one.name} ({use}), {one.arm}: {one.seeds} pools of {one.pool}, judged on {one.judged} rows from "
        f"{one.conversations} conversations; macro-F1 with all labels {one.full:.3f}. {one.note}",
        highlight=False,
        markup=False,
    )
    shown = [b for b in (50, 100, 200, 400, 800) if b in one.labels]
    table = Table()
    for column in (
        "",
        f"labels to {SHARE:.0%}",
        "of random's",
        "gap",
        "worst gap",
        "settled",
        *(f"at {b}" for b in shown),
    ):
        table.add_column(column, justify="right" if column else "left")
    for s in one.standings:
        stops = "never" if s.settled_at is None else f"{s.settled_at} ({s.settled_score:.1%})"
        table.add_row(
            s.strategy,
            f"{s.needed:.0f}",
            f"{s.ratio:.2f} {_told(s.ratio_interval, '.2f')}",
            f"{s.gap:+.3f} {_told(s.gap_interval, '+.3f')}",
            f"{s.worst:+.3f} {_told(s.worst_interval, '+.3f')} at {s.worst_at}",
            stops,
            *(f"{s.scores[one.labels.index(b)]:.3f}" for b in shown),
        )
    console.print(table)


def _told(interval: Interval, form: str) -> str:
    return f"[{interval[0]:{form}}, {interval[1]:{form}}]"

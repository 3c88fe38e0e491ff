"""The command ``bench acquisition-lora``: does what a cheap head says hold for real training?"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from models.acquisition.strategies import COMMITTEE, MARGIN, RANDOM, STRATEGIES
from models.errors import InputError
from models.settings import load_settings
from retrain.bench.acquisition.loop import pool_rows
from retrain.bench.acquisition.lora import Reached, learn
from retrain.bench.acquisition.paired import ahead_of_random
from retrain.bench.acquisition.sets import read_sets
from retrain.options import AS_JSON, CONFIG, kept_in
from retrain.stage import say

BY_ROOM = {"tables", "losses"}


@click.command("acquisition-lora")
@click.argument("train", type=click.Path(path_type=Path))
@click.argument("dev", type=click.Path(path_type=Path))
@click.option("--question", help="Of those in the files.  [default: the first]")
@click.option("--strategy", "strategies", multiple=True, default=(MARGIN, RANDOM), show_default=True)
@click.option("--labels", "budgets", multiple=True, type=int, default=(100, 200, 400), show_default=True)
@click.option("--rung", default="starter-base-s", show_default=True)
@click.option("--seeds", type=click.IntRange(min=1), default=2, show_default=True)
@click.option("--rows", type=click.IntRange(min=400), default=3000, show_default=True, help="Of a file at most.")
@click.option("--pool", type=click.IntRange(min=100), default=1000, show_default=True, help="Rows a seed can ask for.")
@kept_in("var/acquisition", "What a stopped run goes on from.")
@CONFIG
@AS_JSON
def acquisition_lora(
    train: Path,
    dev: Path,
    question: str | None,
    strategies: Sequence[str],
    budgets: Sequence[int],
    rung: str,
    seeds: int,
    rows: int,
    pool: int,
    work: Path,
    config: Path,
    *,
    as_json: bool,
) -> None:
    """The same with real LoRA runs from RUNG, for a few strategies; it may be stopped and goes on."""
    settings = load_settings(config)
    sets = read_sets(train, dev, settings, (), rows, work, say)
    known = next((one for one in sets if question in (None, one.question.id)), None)
    if known is None or (unknown := set(strategies) - (set(STRATEGIES) - {COMMITTEE})):
        raise InputError(
            f"{train} has too few labels of {question}" if known is None else f"there is no strategy {unknown} here"
        )
    found = [
        reached
        for seed in range(seeds)
        for name in strategies
        for reached in learn(
            known,
            name,
            pool_rows(known, pool, seed),
            sorted(budgets),
            rung=rung,
            seed=seed,
            settings=settings,
            work=work / "lora",
            say=say,
        )
    ]
    if as_json:
        runs = [{key: value for key, value in asdict(one).items() if key not in BY_ROOM} for one in found]
        ahead = [asdict(one) for one in ahead_of_random(found)]
        click.echo(json.dumps({"runs": runs, "ahead_of_random": ahead}, indent=2))
        return
    title = f"{known.name}: {rung} with LoRA, judged on {len(known.judged)} rows; a macro-F1 for each seed"
    _show(title, found, strategies, sorted(budgets))


def _show(title: str, found: Sequence[Reached], strategies: Sequence[str], budgets: Sequence[int]) -> None:
    table = Table(title=title)
    for column in ("labels", *strategies):
        table.add_column(column)
    for budget in budgets:
        told = [
            ", ".join(f"{r.macro_f1:.3f}" for r in found if (r.strategy, r.labels) == (n, budget)) for n in strategies
        ]
        table.add_row(str(budget), *told)
    console = Console()
    console.print(table)
    for one in ahead_of_random(found):
        macro, loss = (f"{mean:+.3f} [{low:+.3f}, {high:+.3f}]" for mean, low, high in (one.macro_f1, one.loss))
        console.print(f"{one.labels} labels, {one.strategy} less random: macro-F1 {macro}, loss {loss} nats")

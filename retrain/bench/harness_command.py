"""The command ``bench harness``: how fast a rung is read, beside lm-evaluation-harness."""

import json
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from models.errors import InputError
from models.labelled import read_items
from models.settings import load_settings
from retrain.bench.harness import Comparison, compare
from retrain.checkpoint import load_base
from retrain.options import AS_JSON, CONFIG


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--rung", "rungs", multiple=True, default=("starter-base-l",), show_default=True, help="May be repeated.")
@click.option("--items", type=click.IntRange(min=1), default=100, show_default=True, help="Bursts of FILE.")
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True, help="The best of them counts.")
@CONFIG
@AS_JSON
def harness(file: Path, rungs: tuple[str, ...], items: int, rounds: int, config: Path, *, as_json: bool) -> None:
    """Read labelled bursts of FILE with lm-evaluation-harness and with our ladder, in turn, and compare the choices.

    Both read every question in every order of its options. The harness needs: pip install 'quandary[bench]'.
    """
    settings = load_settings(config)
    known = read_items(file, settings.questions)[:items]
    if not known:
        raise InputError(f"{file} holds no labelled burst; give a file of labelled rows")
    found = [
        compare(load_base(rung), known, settings.questions, budget=settings.decide.max_prompt_tokens, rounds=rounds)
        for rung in rungs
    ]
    if as_json:
        click.echo(json.dumps([_figures(one) for one in found], indent=2))
        return
    for one in found:
        _show(one)


def _figures(one: Comparison) -> dict[str, object]:
    return {
        "rung": one.rung,
        "bursts": one.bursts,
        "rows": one.rows,
        "seconds": {arm.name: [round(s, 3) for s in arm.seconds] for arm in one.arms},
        "times_as_fast": round(one.speed, 2),
        "same_choices": one.same_choices,
        "largest_gap": one.largest_gap,
        "same_tokens": one.same_tokens,
    }


def _show(one: Comparison) -> None:
    console = Console()
    table = Table(title=f"{one.rung}: {one.bursts} bursts, {one.rows} prompts")
    table.add_column("")
    table.add_column("seconds, best", justify="right")
    table.add_column("prompts/s", justify="right")
    for arm in one.arms:
        table.add_row(arm.name, f"{arm.best_s:.2f}", f"{one.rows / arm.best_s:.0f}")
    console.print(table)
    console.print(
        f"{one.speed:.1f} times as fast as the harness at its best; the same choice on {one.same_choices:.1%} of the "
        f"prompts, log-probabilities at most {one.largest_gap:.1e} nats apart, the same tokens in {one.same_tokens:.1%}"
    )

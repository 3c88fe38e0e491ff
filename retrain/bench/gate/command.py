"""The command ``quandary bench gate``."""

import json
import tempfile
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from models.labelled import read_items
from models.settings import load_settings
from retrain.bench.gate.cases import LABELS, made_cases, real_cases
from retrain.bench.gate.others import CheckRates, run_others
from retrain.bench.gate.rates import KINDS, Held, Rates, body, held, run_made, run_real
from retrain.bench.gate.real import fewer, read_family
from retrain.bench.gate.swept import read_swept, run_swept
from retrain.bench.gate.tuned import read_untuned, run_tuned
from retrain.options import AS_JSON, CONFIG
from retrain.stage import say

RUNGS = ("starter-base-xs", "starter-base-s", "starter-base-m", "starter-base-l")


@click.command()
@click.option("--runs", type=click.IntRange(min=0), default=300, show_default=True, help="Made-up ladders a case.")
@click.option("--labels", "sizes", multiple=True, type=click.IntRange(min=50), help="[default: 200, 500 and 2300]")
@click.option("--case", "names", multiple=True, help="Only these cases, such as 'clean'.  [default: all]")
@click.option("--overlap", type=click.FloatRange(0, 1), default=0.0, help="Share of made-up labels with two answers.")
@click.option(
    "--candidates",
    type=click.IntRange(min=0),
    default=0,
    help="Made-up candidates a case of slices, sureness, obedience.",
)
@click.option(
    "--ladder",
    "files",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Labelled rows, to spoil on real rungs, too; may be given again.",
)
@click.option("--rung", "rungs", multiple=True, help="[default: the starter-base rungs; with --unseen the settings']")
@click.option("--unseen", is_flag=True, help="No rung has learned from these rows: those with gold may judge them.")
@click.option("--draws", type=click.IntRange(min=1), default=20, show_default=True, help="Real ladders a case.")
@click.option("--items", type=click.IntRange(min=0), default=2500, show_default=True, help="Rows of --ladder; 0: all.")
@click.option("--lora", is_flag=True, help="Tune the rungs of --ladder by LoRA, as the cycle does: minutes a ladder.")
@click.option("--epochs", type=click.IntRange(min=0), default=0, help="Of --lora.  [default: the settings']")
@click.option("--batch", type=click.IntRange(min=0), default=0, help="Of --lora.  [default: the settings']")
@click.option("--sweep", "plan", type=click.Path(path_type=Path), help="Plan of a sweep whose test rows to spoil, too.")
@click.option("--sweep-out", type=click.Path(path_type=Path), help="Its folder.  [default: the plan's name]")
@click.option("--work", type=click.Path(path_type=Path), help="Where --ladder keeps what it read.")
@click.option("--jobs", type=click.IntRange(min=1), default=2, show_default=True, help="Cores for made-up ladders.")
@click.option("--seed", default=1, show_default=True, help="0 is what thresholds were chosen on.")
@CONFIG
@AS_JSON
def gate(
    runs: int,
    sizes: tuple[int, ...],
    names: tuple[str, ...],
    overlap: float,
    candidates: int,
    files: tuple[Path, ...],
    rungs: tuple[str, ...],
    draws: int,
    items: int,
    lora: bool,
    epochs: int,
    batch: int,
    plan: Path | None,
    sweep_out: Path | None,
    work: Path | None,
    jobs: int,
    seed: int,
    config: Path,
    *,
    unseen: bool,
    as_json: bool,
) -> None:
    """How often the checks on a ladder err: clean labels, random flips, labels that lean to the small model, no rise.

    With --ladder, too: wrong labels in real rows, vanilla rungs as they are, tuned ones stood in for by heads on their
    hidden states, fitted anew for each draw of wrong labels. With --lora they are tuned by LoRA instead, all questions
    in one adapter; with --work a run that was stopped goes on. With --sweep, too: the ladders of a sweep, whose rungs
    have learned from right labels and judge wrong ones. With --unseen the rows come from conversations that no rung has
    learned from, so that the ladder of config.toml, which knows the questions, can be judged as in a bot's own rooms.
    """
    settings = load_settings(config)
    asked = sizes or LABELS
    found: list[Rates] = []
    if runs:
        found += run_made(made_cases(names), asked, runs, settings.gate, seed, jobs, overlap)
    others = run_others(candidates, settings.gate, seed) if candidates else []
    if files:
        rows = fewer([row for file in files for row in read_items(file, settings.questions)], items, 0)
        family_rungs = rungs or (tuple(settings.ladder.rungs) if unseen else RUNGS)
        with tempfile.TemporaryDirectory() as aside:
            where = work or Path(aside)
            if lora:
                family = read_untuned(
                    rows, settings, family_rungs, where, say, epochs=epochs, batch=batch, unseen=unseen
                )
                found += run_tuned(family, real_cases(names), asked, draws, settings.gate, seed)
            else:
                for read in read_family(rows, settings, family_rungs, where, say, unseen=unseen):
                    say(f"{read.question.id}: {len(read.vanilla[0])} labels")
                    found += run_real(read, real_cases(names), asked, draws, settings.gate, seed)
    if plan is not None:
        swept = read_swept(plan, config, sweep_out or plan.with_suffix(""))
        found += run_swept(swept, real_cases(names), draws, settings.gate, seed)
    if as_json:
        told = body(found, settings.gate) | {"candidates": [asdict(one) for one in others]}
        click.echo(json.dumps(told, indent=2))
        return
    for source in dict.fromkeys(one.source for one in found):
        _show([one for one in found if one.source == source])
    for one in held(found):
        click.echo(_told(one))
    if others:
        _show_others(others)


def _show(found: list[Rates]) -> None:
    table = Table(title=f"{found[0].source}: {found[0].runs} ladders a case")
    for column in ("labels", "case", "pass", "fail", "open", *KINDS, "strict rule passes", "wrong, estimated", "named"):
        table.add_column(column, justify="left" if column == "case" else "right")
    for one in found:
        stopped = (one.by_check[kind]["failed"] + one.by_check[kind]["open"] for kind in KINDS)
        shares = (one.passed, one.failed, one.open, *stopped, one.strict)
        cells = (f"{share:.2f}" for share in shares)
        noise = f"{one.wrong:.0%}, {one.estimated:.1%}"
        table.add_row(str(one.labels), one.case, *cells, noise, f"{one.named:.2f}")
    Console(width=150).print(table)


def _show_others(found: list[CheckRates]) -> None:
    table = Table(title=f"made-up candidates: {found[0].runs} a case")
    for column in ("check", "candidate", "labels or tries", "effect", "pass", "fail", "open"):
        table.add_column(column, justify="left" if column in {"check", "candidate"} else "right")
    for one in found:
        shares = (f"{share:.2f}" for share in (one.passed, one.failed, one.open))
        table.add_row(one.check, one.case, str(one.labels), f"{one.effect:+.3f}", *shares)
    Console(width=150).print(table)


def _told(one: Held) -> str:
    goal = one.goal
    low, high = one.interval
    return (
        f"{'met' if one.met else 'NOT MET'}: {one.source}, {goal.case}: {goal.outcome} in {one.rate:.1%} "
        f"[{low:.1%}, {high:.1%}], {'at most' if goal.at_most else 'at least'} {goal.bound:.0%} wanted"
    )

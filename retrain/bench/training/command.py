"""The command ``bench train``: our training step beside TRL's SFTTrainer."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import click
from rich.console import Console
from rich.table import Table

from models.errors import InputError
from models.llama.shape import SHAPES
from retrain.bench.training.arms import (
    FASTER,
    LEANER,
    OURS,
    TOGETHER,
    TRL,
    Comparison,
    Figures,
    Turn,
    compare,
    figures,
    run_arm,
    take_turns,
)
from retrain.bench.training.task import Task
from retrain.options import AS_JSON
from retrain.stage import say

TRL_WORDS = 3
"""An arm of TRL is named "trl", its loss_type, and "plain" or "checkpointing"."""
LARGE_STEPS, LARGE_BATCH = 2, 4
SMALL_STEPS, SMALL_BATCH = 10, 16
"""A rung of the starter family does in a second what a well-known shape needs a minute for."""


@click.command("train")
@click.option(
    "--model",
    "models",
    multiple=True,
    default=("qwen1.5-0.5b", "starter-base-l"),
    show_default=True,
    help=f"A rung of the starter family, or random weights in a shape: {', '.join(SHAPES)}.",
)
@click.option("--rounds", type=click.IntRange(min=1), default=2, show_default=True, help="Times that each arm runs.")
@click.option("--steps", type=click.IntRange(min=1), help="Timed steps a run.  [default: 2 of a shape, 10 of a rung]")
@click.option(
    "--batch", type=click.IntRange(min=2), help="Samples a step, even.  [default: 4 of a shape, 16 of a rung]"
)
@click.option("--threads", type=click.IntRange(min=1), default=2, show_default=True)
@click.option("--arm", "arms", multiple=True, default=(OURS, TOGETHER, *TRL), show_default=True)
@click.option("--only-ours", is_flag=True, help="Where TRL is not installed.")
@AS_JSON
def train(
    models: Sequence[str],
    rounds: int,
    steps: int | None,
    batch: int | None,
    threads: int,
    arms: Sequence[str],
    *,
    only_ours: bool,
    as_json: bool,
) -> None:
    """Our training step beside TRL's SFTTrainer: the same model, adapter, rows and batches, in turns.

    TRL is given one question a row, its labels at the answer only. "ours" has the same rows; "ours, questions together"
    is how the learning cycle trains. Needs the extra [bench]; nothing is kept.
    """
    if batch is not None and batch % 2:
        raise InputError("--batch must be even: a burst has two questions")
    chosen = [arm for arm in arms if not only_ours or not arm.startswith("trl")]
    unknown = [arm for arm in chosen if arm not in (OURS, TOGETHER) and len(arm.split()) != TRL_WORDS]
    if unknown:
        raise InputError(f"there is no arm {unknown[0]!r}; there are {', '.join((OURS, TOGETHER, *TRL))}")
    measured = []
    for model in models:
        large = model in SHAPES and model != "tiny"
        found = _measured(
            chosen,
            rounds,
            Task(
                arm=OURS,
                model=model,
                steps=steps or (LARGE_STEPS if large else SMALL_STEPS),
                batch=batch or (LARGE_BATCH if large else SMALL_BATCH),
                threads=threads,
            ),
        )
        measured.append(found)
        if not as_json:
            _show(found)
    if as_json:
        click.echo(json.dumps([_body(one) for one in measured], indent=2))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    """All arms on one model; ``task`` is what each did, but for its arm."""

    task: Task
    rounds: int
    arms: list[Figures]
    against: list[Comparison]


def _measured(arms: Sequence[str], rounds: int, task: Task) -> _Measured:
    def run(arm: str) -> Turn:
        return run_arm(replace(task, arm=arm))

    turns = take_turns(arms, rounds, run, lambda told: say(f"{task.model}, {told}"))
    found = [figures(arm, done, task.batch) for arm, done in turns.items()]
    return _Measured(task=task, rounds=rounds, arms=found, against=compare(turns))


def _body(one: _Measured) -> dict[str, object]:
    return {
        "model": one.task.model,
        "batch": one.task.batch,
        "steps": one.task.steps,
        "rounds": one.rounds,
        "threads": one.task.threads,
        "arms": [asdict(arm) for arm in one.arms],
        "against_trl": [{**asdict(other), "reached": other.reached} for other in one.against],
    }


def _show(one: _Measured) -> None:
    task = one.task
    title = f"{task.model}: batches of {task.batch}, {one.rounds} rounds of {task.steps} steps, {task.threads} threads"
    table = Table(title=title)
    for column in ("", "samples/s", "samples/CPU s", "peak memory"):
        table.add_column(column, justify="right" if column else "left")
    for arm in one.arms:
        peak = f"{arm.peak_bytes / 1e9:.2f} GB"
        table.add_row(arm.arm, f"{arm.samples_per_s:.2f}", f"{arm.samples_per_cpu_s:.2f}", peak)
    Console().print(table)
    for other in one.against:
        click.echo(
            f"{other.arm} against {other.rival}: {other.speed:.2f} times the speed ({other.cpu_speed:.2f} by "
            f"computing time), {other.memory:.2f} of the memory; asked for are {FASTER} and {LEANER}: "
            f"{'reached' if other.reached else 'missed'}"
        )

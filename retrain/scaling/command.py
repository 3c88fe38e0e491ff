"""``quandary scaling check``: read a ladder of any model family from a file, as the gate reads its own."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from models.evidence import Check
from models.metrics import f1, precision
from models.settings import GateSettings, load_settings
from retrain.judged import scored
from retrain.options import AS_JSON
from retrain.scaling.checks import ladder_checks
from retrain.scaling.ladder import Ladder
from retrain.scaling.per_item import YES, read_per_item
from retrain.scaling.reading import Rise, TableReading, read_figure
from retrain.scaling.table import TableRung, read_table


@click.group()
def scaling() -> None:
    """Do labels agree better with larger models?"""


@scaling.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--positive", default=YES, show_default=True, help="In JSON lines: the answer that F1 is about.")
@click.option("--alpha", type=click.FloatRange(0.0, 0.5, min_open=True, max_open=True), help="Level of the tests.")
@click.option("--seed", default=0, show_default=True)
@click.option(
    "--config", type=click.Path(path_type=Path), help="Settings whose [gate] table holds.  [default: the built-in ones]"
)
@AS_JSON
def check(file: Path, positive: str, alpha: float | None, seed: int, config: Path | None, *, as_json: bool) -> None:
    """Read the ladder in FILE: what it says, in words, with the paper's strict rule beside it.

    FILE is a table (.csv, .tsv, .md, .json) with the columns rung, parameters and a figure or several, more of which is
    better; or JSON lines (.jsonl), one rung's reading of one item each: rung, parameters, id, conversation, gold, and
    probability or scores. ``dense`` false marks a mixture of experts, which is shown and not counted.
    """
    gate = load_settings(config).gate if config else GateSettings()
    gate = gate if alpha is None else gate.model_copy(update={"alpha": alpha})
    if file.suffix.lower() == ".jsonl":
        ladders = read_per_item(file, positive)
        _items(ladders, [ladder_checks(one, gate, np.random.default_rng(seed)) for one in ladders], as_json=as_json)
        return
    rungs = read_table(file)
    _table(rungs, [read_figure(rungs, figure, gate.alpha) for figure in rungs[0].figures], as_json=as_json)


def _table(rungs: Sequence[TableRung], readings: Sequence[TableReading], *, as_json: bool) -> None:
    if as_json:
        body = {"rungs": [asdict(r) for r in rungs], "readings": [asdict(r) for r in readings]}
        click.echo(json.dumps(body, indent=2))
        return
    table = Table(*("rung", "parameters"), *(r.figure for r in readings))
    for rung in rungs:
        figures = (f"{rung.figures[r.figure]:g}" + (" !" if r.outlying == rung.rung else "") for r in readings)
        table.add_row(rung.rung if rung.dense else f"{rung.rung} (not dense)", f"{rung.parameters:,}", *figures)
    Console(markup=False, emoji=False).print(table)
    for reading in readings:
        click.echo(reading.told)
        click.echo(f"  Gain when parameters double: {_gain(reading.whole)}.")
        click.echo(f"  The paper's rule, a rise at every step: {'kept' if reading.whole.strict else 'broken'}.")
    click.echo("A table tells the order of the rungs, not how sure it is; JSON lines by item would tell that.")


def _gain(rise: Rise) -> str:
    told = f"{rise.per_doubling:+.3g}"
    return told if rise.interval is None else f"{told} ({rise.interval[0]:+.3g} to {rise.interval[1]:+.3g}, by a line)"


def _items(ladders: Sequence[Ladder], checks: Sequence[Sequence[Check]], *, as_json: bool) -> None:
    if as_json:
        body = [
            {
                "question": ladder.question.id,
                "rungs": _rungs(ladder),
                "checks": [
                    {"name": c.name, "outcome": c.outcome.value, "reason": c.reason, "figures": dict(c.figures)}
                    for c in found
                ],
            }
            for ladder, found in zip(ladders, checks, strict=True)
        ]
        click.echo(json.dumps(body, indent=2))
        return
    for ladder, found in zip(ladders, checks, strict=True):
        table = Table(title=f"{ladder.question.id}: {len((*ladder.vanilla, *ladder.tuned)[0])} labels")
        rows = _rungs(ladder)
        for column in rows[0]:
            table.add_column(column, justify="left" if column == "rung" else "right")
        for row in rows:
            table.add_row(*(f"{v:.3f}" if isinstance(v, float) else str(v) for v in row.values()))
        Console(markup=False, emoji=False).print(table)
        for one in found:
            click.echo(f"{one.name}: {one.outcome.value}. {one.reason}.")
            if "strict_rise" in one.figures:
                kept = "kept" if one.figures["strict_rise"] else "broken"
                click.echo(f"  The paper's rule, a rise of precision at every step: {kept}; it decides nothing.")
        if not ladder.tuned:
            click.echo("No tuned readings are in the file, so nothing tells of labels wrong at random, or leaning.")


def _rungs(ladder: Ladder) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for place, (name, parameters) in enumerate(zip(ladder.rungs, ladder.parameters, strict=True)):
        row: dict[str, object] = {"rung": name, "parameters": parameters}
        if ladder.dense:
            row["dense"] = ladder.dense[place]
        for arm, rungs in (("vanilla", ladder.vanilla), ("tuned", ladder.tuned)):
            if rungs:
                columns = scored(rungs[place])
                row |= {f"{arm} precision": precision(columns), f"{arm} F1": f1(columns)}
        rows.append(row)
    return rows

"""The learning side's command line: ``python -m retrain``; ``quandary`` hands the same commands on."""

import json
import shutil
import signal
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from models.calibration import sidecar
from models.errors import InputError, QuandaryError
from models.evidence import Candidate, Verdict
from models.labelled import read_items
from models.learning_lock import alone
from models.llama import gguf_of, sha256_of
from models.remote import calibration_place, server_hash
from models.serving import SERVER, open_server
from models.settings import load_settings
from models.step import Step
from models.store import learning
from models.store.database import open_database
from retrain.acting import act
from retrain.bench.commands import bench, reliability
from retrain.candidate import calibrate as fit_calibration
from retrain.candidate import read_gguf, read_with, writing
from retrain.climb import Limits, climb, ladders
from retrain.cycle import PICTURE, course_of, frozen, thinned, work_of
from retrain.cycle import cycle as run_cycle
from retrain.dataset_command import dataset
from retrain.evidence_file import FILE
from retrain.export.command import export
from retrain.ladder import prepared_base, trained_on
from retrain.ladder import train as train_rung
from retrain.ladder_table import show_ladder
from retrain.leakage import refuse
from retrain.options import AS_JSON, CONFIG
from retrain.picture import Panel, draw, panels
from retrain.priority import step_back
from retrain.report import RunReport
from retrain.revision.command import revise
from retrain.scaling.command import scaling
from retrain.sweep.command import sweep
from retrain.verdict import reach
from retrain.verdict_command import verdict as verdict_commands


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Learn from labels: freeze, train, export, calibrate, judge."""


for command in (bench, reliability, sweep, scaling, dataset, export, revise, verdict_commands):
    cli.add_command(command)


def _limited(command: click.decorators.FC) -> click.decorators.FC:
    items = click.option("--items", default=0, help="Train on at most so many labelled bursts; 0: train.max_items.")
    rungs = click.option("--rungs", default=0, help="Climb the first so many rungs; 0: all.")
    seconds = click.option("--seconds", default=0.0, help="Train fewer epochs to keep within this time; 0: no limit.")
    return items(rungs(seconds(command)))


@cli.command()
@CONFIG
@AS_JSON
@_limited
def cycle(config: Path, items: int, rungs: int, seconds: float, *, as_json: bool) -> None:
    """Everything from the labels in the store to a judged candidate."""
    settings = load_settings(config)
    step_back(settings.train)
    learned = run_cycle(settings, limits=Limits(items=items, rungs=rungs, seconds=seconds), quiet=as_json)
    drawn = panels(learned.ladders, settings.train.seed)
    _tell(learned.candidate, learned.verdict, learned.step, drawn, as_json=as_json)


@cli.command()
@CONFIG
@AS_JSON
@_limited
def ladder(config: Path, items: int, rungs: int, seconds: float, *, as_json: bool) -> None:
    """Freeze the labels, read every rung vanilla and cross-fitted, and draw the ladder."""
    settings = load_settings(config)
    step_back(settings.train)
    limits = Limits(items=items, rungs=rungs, seconds=seconds)
    with (
        alone(settings.data_dir),
        closing(open_database(settings.data_dir)) as db,
        RunReport(db, "ladder", quiet=as_json) as report,
    ):
        held = frozen(settings, db, datetime.now(UTC))
        report.frozen(held.id)
        refuse(held.leakage, held.id[:12])
        chosen = thinned(held.train, limits.items or settings.train.max_items)
        course = course_of(settings, work_of(settings, held), report)
        with writing(course.work):
            climbed, _ = climb(settings, chosen, course, limits)
        drawn = panels(ladders(settings.questions, climbed, chosen), settings.train.seed)
        path = draw(drawn, None, settings.data_dir / "ladders" / f"{held.id[:16]}.png")
    if as_json:
        click.echo(json.dumps({"dataset": held.id, "picture": str(path), "ladder": _figures(drawn)}, indent=2))
    else:
        show_ladder(drawn)
        click.echo(f"picture: {path}")


@cli.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--base", help="What to train on.  [default: the top rung of ladder.rungs]")
@click.option("--file", type=click.Path(path_type=Path), help="Labelled rows.  [default: the labels in the store]")
@CONFIG
def train(out: Path, base: str | None, file: Path | None, config: Path) -> None:
    """Train one adapter into the folder OUT, without a ladder, a gate or a candidate.

    The same command goes on where it was stopped; what it has so far lies beside OUT until it ends.
    """
    settings = load_settings(config)
    step_back(settings.train)
    with closing(open_database(settings.data_dir)) as db, RunReport(db, "train") as report, writing(out):
        items = read_items(file, settings.questions) if file else frozen(settings, db, datetime.now(UTC)).train
        course = course_of(settings, out.with_name(f"{out.name}.work"), report)
        name = base or trained_on(settings.ladder.rungs)
        with course.stage(f"{name}: train on {len(items)} bursts") as advance:
            train_rung(prepared_base(name, course.work), items, course, out, advance)
        shutil.rmtree(course.work, ignore_errors=True)


@cli.command()
@click.argument("candidate", required=False)
@CONFIG
@AS_JSON
def gate(candidate: str | None, config: Path, *, as_json: bool) -> None:
    """Judge a candidate (default: the newest) again on its evidence, under the settings as they are now."""
    settings = load_settings(config)
    with closing(open_database(settings.data_dir)) as db:
        known = learning.candidates(db)
        found = next((c for c, _ in known if candidate is None or c.id == candidate), None)
        if found is None:
            told = ", ".join(c.id for c, _ in known) or "none at all"
            raise InputError(f"there is no candidate {candidate or ''}; there are: {told}")
        folder = (settings.data_dir / found.gguf_path).parent
        verdict, evidence = reach(
            folder / FILE,
            settings.questions,
            settings.gate,
            settings.train.seed,
            candidate=found.id,
            judged_at=datetime.now(UTC),
            picture=(folder / PICTURE).relative_to(settings.data_dir).as_posix(),
        )
        drawn = panels(evidence.ladders, settings.train.seed)
        draw(drawn, verdict.outcome, folder / PICTURE)
        learning.put_candidate(db, found, verdict)
        step = act(db, settings, verdict, evidence.ladders, verdict.judged_at)
    _tell(found, verdict, step, drawn, as_json=as_json)


@cli.command()
@click.argument("model")
@click.argument("file", type=click.Path(path_type=Path))
@CONFIG
@AS_JSON
def calibrate(model: str, file: Path, config: Path, *, as_json: bool) -> None:
    """Fit temperature and thresholds of the GGUF MODEL on the labelled rows of FILE, which it was not trained on.

    MODEL may be "server": the model server of [decide.server], whose calibration is kept in the data directory.
    """
    settings = load_settings(config)
    settings = settings.model_copy(update={"ask": settings.ask.model_copy(update={"audit_share": 0.0})})
    items = read_items(file, settings.questions)
    if model == SERVER:
        gguf, digest = calibration_place(settings.data_dir, settings.decide), server_hash(settings.decide)
        gguf.parent.mkdir(parents=True, exist_ok=True)
        with closing(open_server(settings)) as server:
            readings = read_with(server.scores, items, settings, lambda _done, _total: None)
    else:
        gguf = gguf_of(model)
        digest = sha256_of(gguf)
        readings = read_gguf(gguf, items, settings, lambda _done, _total: None)
    fitted = fit_calibration(gguf, digest, items, readings, settings)
    if as_json:
        click.echo(json.dumps({q: asdict(c) for q, c in fitted.questions.items()}, indent=2))
        return
    for question, found in fitted.questions.items():
        click.echo(
            f"{question}: temperature {found.temperature:.2f} from {found.labels} labels; "
            f"{_side('replies', found.reply_at, found.reply_needed)}; "
            f"{_side('stays silent', found.silence_at, found.silence_needed)}"
        )
    click.echo(f"written to {sidecar(gguf)}")


@cli.command()
@click.option(
    "--data", type=click.Path(path_type=Path, exists=True, file_okay=False), required=True, help="Its corpora."
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Where the family goes.")
@click.option("--work", type=click.Path(path_type=Path), help="Stages that are done; the default is OUT.work.")
@click.option("--seed", default=0, show_default=True)
@click.option("--budget-s", default=0.0, help="Computing time in seconds of one core; 0: the recipe's own.")
@click.option("--device", default="cpu", show_default=True)
@CONFIG
def starter(data: Path, out: Path, work: Path | None, seed: int, budget_s: float, device: str, config: Path) -> None:
    """Train the starter family from scratch, and write its GGUF files."""
    from retrain.starter.family import FULL_BUDGET_S  # noqa: PLC0415 - other commands do not need the recipe
    from retrain.starter.recipe import run_starter  # noqa: PLC0415

    place = work or out.with_name(f"{out.name}.work")
    questions = load_settings(config).questions
    run_starter(data, out, place, seed=seed, budget_cpu_s=budget_s or FULL_BUDGET_S, device=device, questions=questions)
    click.echo(f"the family stands in {out}; its stages in {place} can be removed")


def _tell(candidate: Candidate, verdict: Verdict, step: Step | None, drawn: Sequence[Panel], *, as_json: bool) -> None:
    if as_json:
        checks = [
            {"name": c.name, "outcome": c.outcome.value, "reason": c.reason, "figures": dict(c.figures)}
            for c in verdict.checks
        ]
        body = {
            "candidate": candidate.id,
            "base": candidate.base,
            "dataset": candidate.dataset,
            "gguf": candidate.gguf_path,
            "gguf_sha256": candidate.gguf_sha256,
            "outcome": verdict.outcome.value,
            "gate_version": verdict.gate_version,
            "picture": verdict.picture,
            "checks": checks,
            "next": None if step is None else {**asdict(step), "told": step.told},
            "ladder": _figures(drawn),
        }
        click.echo(json.dumps(body, indent=2))
        return
    show_ladder(drawn)
    table = Table(title=f"Candidate {candidate.id}: {verdict.outcome.value}", show_lines=True)
    for column in ("check", "outcome", "reason"):
        table.add_column(column, no_wrap=column != "reason")
    for check in verdict.checks:
        table.add_row(check.name, check.outcome.value, check.reason)
    Console().print(table)
    if step is not None:
        click.echo(f"next: {step.told}\n  for {step.reason}")


def _figures(drawn: Sequence[Panel]) -> dict[str, object]:
    return {
        panel.question: {
            "majority_macro_f1": panel.majority,
            "prior_log_probability": panel.prior,
            "vanilla": [asdict(rung) for rung in panel.vanilla],
            "tuned": [asdict(rung) for rung in panel.tuned],
            "setbacks": [asdict(setback) for setback in panel.setbacks],
        }
        for panel in drawn
    }


def _side(what: str, at: float | None, needed: int) -> str:
    return f"{what} at {at:.3f}" if at is not None else f"never {what}, {needed} more labels at the least"


def main() -> None:
    """Run the command line; what Quandary can explain ends it with one sentence and that error's exit status.

    A SIGTERM (the bot stops) ends a run in order: its row says so, and the next run goes on where it was.
    """
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    try:
        cli(prog_name="python -m retrain")
    except QuandaryError as error:
        click.echo(f"retrain: {error}", err=True)
        sys.exit(error.exit_code)

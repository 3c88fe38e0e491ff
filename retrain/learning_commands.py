"""The commands that learn: cycle, ladder, train, calibrate, starter."""

import json
import shutil
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from models.calibration import sidecar
from models.labelled import read_items
from models.learning_lock import alone
from models.llama import gguf_of, sha256_of
from models.remote import calibration_place, server_hash
from models.serving import SERVER, open_server
from models.settings import load_settings
from models.store.database import open_database
from retrain.candidate import calibrate as fit_calibration
from retrain.candidate import read_gguf, read_with, writing
from retrain.climb import Limits, climb, ladders
from retrain.cycle import course_of, frozen, thinned, work_of
from retrain.cycle import cycle as run_cycle
from retrain.gate_command import ladder_figures, tell
from retrain.ladder import prepared_base, trained_on
from retrain.ladder import train as train_rung
from retrain.ladder_table import show_ladder
from retrain.leakage import refuse
from retrain.options import AS_JSON, CONFIG
from retrain.picture import draw, panels
from retrain.priority import step_back
from retrain.report import RunReport


def _limited(command: click.decorators.FC) -> click.decorators.FC:
    whole, least = click.IntRange(min=0), click.FloatRange(min=0)
    items = click.option(
        "--items", type=whole, default=0, help="Train on at most so many labelled bursts; 0: train.max_items."
    )
    rungs = click.option("--rungs", type=whole, default=0, help="Climb the first so many rungs; 0: all.")
    seconds = click.option(
        "--seconds", type=least, default=0.0, help="Train fewer epochs to keep within this time; 0: no limit."
    )
    return items(rungs(seconds(command)))


@click.command()
@CONFIG
@AS_JSON
@_limited
def cycle(config: Path, items: int, rungs: int, seconds: float, *, as_json: bool) -> None:
    """Everything from the labels in the store to a judged candidate."""
    settings = load_settings(config)
    step_back(settings.train)
    learned = run_cycle(settings, limits=Limits(items=items, rungs=rungs, seconds=seconds), quiet=as_json)
    drawn = panels(learned.ladders, settings.train.seed)
    tell(learned.candidate, learned.verdict, learned.step, drawn, as_json=as_json)


@click.group()
def ladder() -> None:
    """Read the ladder, untrained and tuned, and draw it."""


@ladder.command()
@CONFIG
@AS_JSON
@_limited
def run(config: Path, items: int, rungs: int, seconds: float, *, as_json: bool) -> None:
    """Freeze the labels, read every rung vanilla and cross-fitted, and draw the ladder.

    The same command on the same labels goes on where it was stopped. A mixture of experts is read for reference only.
    """
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
        click.echo(json.dumps({"dataset": held.id, "picture": str(path), "ladder": ladder_figures(drawn)}, indent=2))
    else:
        show_ladder(drawn)
        click.echo(f"picture: {path}")


@click.command()
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


@click.command()
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


@click.command()
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


def _side(what: str, at: float | None, needed: int) -> str:
    return f"{what} at {at:.3f}" if at is not None else f"never {what}, {needed} more labels at the least"

"""``quandary evaluate``: how good a model is on a labelled file."""

import json
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bot.evaluate import Evaluation
from bot.evaluate import evaluate as run
from bot.model_file import model_file
from models.champion import champion_gguf
from models.decider import Decider
from models.errors import SettingsError
from models.labelled import read_items
from models.llama import open_decider
from models.serving import SERVER, open_server
from models.settings import Settings, load_settings

SHOWN = {
    "n": "items",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "macro_f1": "macro-F1",
    "log_loss": "log loss (nats)",
    "ece": "calibration error (ECE)",
    "ask_rate": "ask rate",
    "reply_error": "errors among acted positives",
    "silence_error": "errors among acted negatives",
}


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--question", "-q", default="is_question", show_default=True, help="A question's id in config.toml.")
@click.option("--model", help="GGUF, folder (GGUF or checkpoint), built-in name, or server.  [default: champion]")
@click.option(
    "--limit", type=click.IntRange(min=0), default=0, help="Score the first N labelled items only; 0 scores all."
)
@click.option("--json", "as_json", is_flag=True, help="Print figures as JSON.")
@click.pass_obj
def evaluate(config: Path, file: Path, question: str, model: str | None, limit: int, *, as_json: bool) -> None:
    """Score a model on FILE: labelled JSON lines as in docs/formats.md, weights respected. Needs no running bot."""
    settings = load_settings(config)
    questions = settings.questions
    position = next((i for i, q in enumerate(questions) if q.id == question), None)
    if position is None:
        offered = ", ".join(q.id for q in questions)
        raise SettingsError(f"config.toml has no question {question!r}; it has {offered}")
    items = [item for item in read_items(file, questions) if question in item.answers]
    items = items[:limit] if limit else items
    name, decider = _opened(model, settings)
    try:
        with Progress(console=Console(stderr=True), transient=True, disable=as_json) as progress:
            bar = progress.add_task(f"deciding with {name}", total=len(items))
            found = run(items, questions[position], position, decider, advance=lambda: progress.advance(bar))
    finally:
        decider.close()
    if as_json:
        click.echo(json.dumps(report(found, name), indent=2))
    else:
        show(found, name)


def _opened(model: str | None, settings: Settings) -> tuple[str, Decider]:
    """A name to show, and the decider alone: no model stands in for another where one is measured."""
    if model == SERVER:
        return f"server {settings.decide.server.model}", open_server(settings)
    path, digest = (model_file(model, settings), None) if model else champion_gguf(settings)
    return path.name, open_decider(path, settings.questions, settings.decide, digest)


def report(found: Evaluation, model: str) -> dict[str, object]:
    """The figures as they are printed with --json."""
    return {
        "question": found.question,
        "model": model,
        "revision": found.revision,
        **{name: int(v) if name in {"n", "positives"} and v is not None else v for name, v in found.figures.items()},
        "abstained_labels_left_out": found.left_out,
        "ms_per_item": round(found.ms_per_item, 3),
        "interval_95": {name: bounds and list(bounds) for name, bounds in found.intervals.items()},
    }


def show(found: Evaluation, model: str) -> None:
    """Print the figures as a table."""
    table = Table(title=f"{found.question} by {model} ({found.revision})", show_header=False)
    for name, label in SHOWN.items():
        value = found.figures[name]
        text = "none acted on" if value is None else f"{value:.0f}" if name == "n" else f"{value:.3f}"
        if name in found.intervals:
            bounds = found.intervals[name]
            text += f"  [{bounds[0]:.3f}, {bounds[1]:.3f}]" if bounds else "  [-]"  # too few conversations
        table.add_row(label, text)
    table.add_row("milliseconds per item", f"{found.ms_per_item:.1f}")
    if found.left_out:
        table.add_row("labels that abstain, left out", str(found.left_out))
    Console(markup=False, emoji=False).print(table)

"""``quandary labels``: what people answered, how far they agree, and files of it."""

import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.labels import standing_of
from bot.queue_access import alias_key_in
from labeling.exchange import FileForm, read_rows, written
from labeling.exchange.gather import gather
from labeling.exchange.row import write_lines
from labeling.exchange.take import take_in
from labeling.reliability import Alpha, agreements
from models.consent import Modes
from models.errors import InputError
from models.settings import load_settings
from models.store import labels as stored_labels
from models.store import responses
from models.store.database import open_database

FORM = click.option(
    "--format", "form", type=click.Choice([f.value for f in FileForm]), default="jsonl", show_default=True
)
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print figures as JSON.")


@click.group()
def labels() -> None:
    """See labels, compare annotators, export and import."""


@labels.command()
@AS_JSON
@click.pass_obj
def status(config: Path, *, as_json: bool) -> None:
    """Show labels by question and option, what waits, is adjudicated, discarded or stale, and who did what."""
    settings = load_settings(config)
    with closing(open_database(settings.data_dir)) as db:
        found = standing_of(db, settings)
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        _show(found)


@labels.command()
@AS_JSON
@click.option("--seed", type=int, default=0, show_default=True, help="Of the intervals' draws.")
@click.pass_obj
def agreement(config: Path, *, as_json: bool, seed: int) -> None:
    """Show Krippendorff's alpha: per question, each annotator against the others, and by week."""
    settings = load_settings(config)
    with closing(open_database(settings.data_dir)) as db:
        found = agreements(settings.questions, responses.answered(db), seed=seed)
    if as_json:
        click.echo(json.dumps({question: asdict(one) for question, one in found.items()}, indent=2))
        return
    for question, one in found.items():
        table = Table("", "alpha", "95 % interval", "bursts answered by two or more", title=question)
        table.add_row("all", *_alpha(one.all))
        for name, alpha in (*one.annotators.items(), *one.weeks.items()):
            table.add_row(Text(name), *_alpha(alpha))
        Console().print(table)


@labels.command("export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@FORM
@click.option("--seed", type=int, default=0, show_default=True, help="Of the options' order in alpaca's form.")
@click.option(
    "--audit", is_flag=True, help="With audited bursts, which must not be trained on (jsonl has them always)."
)
@AS_JSON
@click.pass_obj
def export(config: Path, file: Path, *, form: str, seed: int, audit: bool, as_json: bool) -> None:
    """Write labels to FILE, masked, without anybody's platform name; what was erased is not in it."""
    settings = load_settings(config)
    modes = Modes(settings.rooms())
    with closing(open_database(settings.data_dir)) as db:
        rows = gather(db, lambda *room: modes.of(*room).mode, alias_key_in(settings.data_dir))
    made = written(rows, settings.questions, FileForm(form), seed=seed, audit=audit)
    write_lines(file, made.lines)
    if as_json:
        click.echo(json.dumps({"lines": len(made.lines), "left_out": dict(made.left_out)}))
        return
    click.echo(f"{len(made.lines)} lines in {file}")
    for why, count in made.left_out.items():
        click.echo(f"left out: {count} bursts, {why}")


@labels.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@FORM
@click.option("--source", help="A name for where they come from.  [default: the file's name]")
@click.option("--licence", help="Of its texts and labels, such as CC-BY-4.0; datasets and models made of them name it.")
@AS_JSON
@click.pass_obj
def import_(config: Path, file: Path, *, form: str, source: str | None, licence: str | None, as_json: bool) -> None:
    """Take labels in from FILE, all of it or nothing; the next training reads them."""
    settings = load_settings(config)
    name = file.stem if source is None else source
    if not name or not all(c.isalnum() or c in "._-" for c in name):
        raise InputError(f"{name!r} names no source: use letters, digits, '.', '_' and '-' (--source)")
    rows = read_rows(file, settings.questions, FileForm(form))
    with closing(open_database(settings.data_dir)) as db:
        took = take_in(db, rows, settings.questions, name, datetime.now(UTC))
        if licence:
            stored_labels.put_licence(db, name, licence)
    if as_json:
        click.echo(json.dumps({"source": name, **asdict(took)}))
    else:
        click.echo(f"{took.labels} labels of {took.bursts} bursts from {name}; {took.known} bursts were known already")


def _alpha(alpha: Alpha) -> tuple[str, str, str]:
    value = "-" if alpha.alpha is None else f"{alpha.alpha:.3f}"
    interval = "-" if alpha.low is None or alpha.high is None else f"{alpha.low:.3f} to {alpha.high:.3f}"
    return value, interval, str(alpha.bursts)


def _show(found: Mapping[str, Any]) -> None:
    table = Table(show_header=False)
    for question, counts in found["questions"].items():
        options = ", ".join(f"{count} {option}" for option, count in counts["options"].items()) or "no labels yet"
        table.add_row(Text(f"labels of {question}"), Text(f"{options}; {counts['unsettled']} not settled"))
    waiting = ", ".join(f"{count} to {purpose}" for purpose, count in found["waiting"].items())
    table.add_row("waiting", waiting or "nothing")
    table.add_row("in adjudication", str(found["in_adjudication"]))
    table.add_row("discarded", f"{found['discarded']} that nobody answered")
    table.add_row("stale", f"{found['stale']} bursts, asked again oldest first; {found['renewed_today']} today")
    for source, count in found["imported"].items():
        table.add_row("imported", Text(f"{count} labels from {source}"))
    for name, did in found["annotators"].items():
        table.add_row(Text(name), f"{did['submitted']} submitted, {did['discarded']} discarded")
    Console().print(table)

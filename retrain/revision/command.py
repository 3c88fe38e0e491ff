"""The command ``revise``: another wording of a question, tried, adopted, taken back, and remembered."""

import getpass
import json
import os
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from models.errors import InputError, SettingsError
from models.labels import RequestState
from models.question import Question
from models.settings import Settings, load_settings
from models.settings.wordings import table_of
from models.store import requests, revisions, standing
from models.store.database import Database, open_database
from models.wording import Wording
from retrain.options import AS_JSON, CONFIG
from retrain.priority import step_back
from retrain.report import bars
from retrain.revision.adopt import adopt, before_last
from retrain.revision.given import changed, given
from retrain.revision.picture import draw_history
from retrain.revision.show import history_body, show_history, show_trial
from retrain.revision.trial import Trial

PICTURE = "revisions.png"


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no entry in the password file, as in a container run with a number
        return f"uid {os.getuid()}"


@click.command()
@click.argument("question", required=False)
@click.option("--text", help="What is asked.")
@click.option("--definition", help="What it means, for models and beside the form.")
@click.option("--option", "options", multiple=True, metavar="ID=WORDING", help="An option's words; may be repeated.")
@click.option("--guidelines", help="How to answer, for annotators.")
@click.option(
    "--from",
    "file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A TOML file with any of these.",
)
@click.option("--items", type=click.IntRange(min=0), default=300, show_default=True, help="Bursts read; 0: none.")
@click.option("--rungs", type=click.IntRange(min=0), default=0, help="Read the first so many rungs; 0: all.")
@click.option("--labels", type=click.Path(path_type=Path), help="Labelled rows.  [default: labels in the store]")
@click.option("--adopt", "yes", is_flag=True, help="Adopt it without asking.")
@click.option("--dry-run", is_flag=True, help="Compare only.")
@click.option("--back", is_flag=True, help="Take the present wording back: the one before holds again.")
@click.option("--history", is_flag=True, help="Show all rounds, and draw them.")
@click.option("--by", default=_login, help="Who acts.  [default: the login name]")
@click.option("--why", default="", help="The reason; it is kept.")
@CONFIG
@AS_JSON
def revise(
    question: str | None,
    text: str | None,
    definition: str | None,
    options: tuple[str, ...],
    guidelines: str | None,
    file: Path | None,
    items: int,
    rungs: int,
    labels: Path | None,
    by: str,
    why: str,
    config: Path,
    *,
    yes: bool,
    dry_run: bool,
    back: bool,
    history: bool,
    as_json: bool,
) -> None:
    """Try another wording of QUESTION on the same labels, beside the present one, before anybody labels again.

    Untrained rungs read labelled bursts in both wordings. Nothing changes before you say so; then the wording holds
    over config.toml's, which is never written and goes before it once its own wording is changed.
    """
    settings = load_settings(config)
    step_back(settings.train)
    with closing(open_database(settings.data_dir)) as db:
        if history:
            _history(db, settings, question, as_json=as_json)
            return
        present = _named(settings, question)
        if back:
            wording = before_last(db, present)
        else:
            wording = changed(present, given(text, definition, guidelines, options, file))
        new = _checked(settings, present, wording)
        found = None
        if items and not back:
            from retrain.revision.measure import labelled, measure  # noqa: PLC0415 - only this needs torch

            chosen = labelled(db, settings, present, labels, items)
            found = measure(settings, present, new, chosen, rungs, bars(quiet=as_json))
        stale = _stale(db, settings, present, new)
        if as_json:
            told = {"question": present.id, "old": present.version, "new": new.version, **stale}
            click.echo(json.dumps({**told, "trial": None if found is None else asdict(found)}, indent=2))
        else:
            _show(present, new, found, stale)
        if dry_run or not (yes or click.confirm("Adopt this wording?", err=as_json)):
            click.echo("nothing was changed", err=as_json)
            return
        made = adopt(
            db,
            config,
            settings.questions,
            new,
            by=by,
            why=why,
            at=datetime.now(UTC),
            tried=None if found is None else asdict(found),
            back=back,
        )
    click.echo(
        f"round {made.round} of {present.id}: adopted by {by}. A running bot begins anew with it within seconds, "
        f"one at a terminal when it is started next; `quandary revise {present.id} --back` takes it back",
        err=as_json,
    )


def _named(settings: Settings, name: str | None) -> Question:
    found = next((q for q in settings.questions if q.id == name), None)
    if found is None:
        told = "name the question whose words are tried" if name is None else f"there is no question {name!r}"
        raise InputError(f"{told}; there are: {', '.join(q.id for q in settings.questions)}")
    return found


def _checked(settings: Settings, question: Question, wording: Wording) -> Question:
    """The question in these words, held to config.toml's rules; raises SettingsError."""
    table = next(table for table in settings.question if table.id == question.id)
    new = table_of(table, wording).question()
    if new.version == question.version:
        raise SettingsError(f"these are the words of {question.id} as they are; give --text, --definition or others")
    return new


def _stale(db: Database, settings: Settings, question: Question, new: Question) -> dict[str, int]:
    """What adopting costs: labels that become stale, requests asked anew, labels that are fresh in these words."""
    waiting = sum(
        len(requests.in_state(db, state)) for state in (RequestState.PENDING, RequestState.SENT, RequestState.AMENDED)
    )
    return {
        "labels_stale": sum(standing.by_option(db, question.id, question.version).values()),
        "labels_in_new_words": sum(standing.by_option(db, question.id, new.version).values()),
        "open_requests": waiting,
        "renewed_a_day": int(settings.ask.daily_budget * settings.ask.renew_share),
    }


def _show(question: Question, new: Question, found: Trial | None, stale: Mapping[str, int]) -> None:
    if found is not None:
        show_trial(question, new, found)
    click.echo(
        f"Adopted, {stale['labels_stale']} labels of {question.id} become stale (kept, not trained on) and are asked "
        f"about again, at most {stale['renewed_a_day']} a day (ask.renew_share); {stale['open_requests']} open "
        f"requests are asked anew in the new words; {stale['labels_in_new_words']} labels have these words already. "
        "The old words' thresholds fall away: the bot asks and stays silent on this question until the next cycle."
    )


def _history(db: Database, settings: Settings, question: str | None, *, as_json: bool) -> None:
    name = None if question is None else _named(settings, question).id
    known = [(one, revisions.relabelled(db, one)) for one in revisions.rounds(db, name)]
    path = draw_history(known, settings.data_dir / PICTURE) if known else None
    if as_json:
        rows = [history_body(*one) for one in known]
        click.echo(json.dumps({"rounds": rows, "picture": None if path is None else str(path)}, indent=2))
    elif path is None:
        click.echo("no question was revised yet: `quandary revise QUESTION --text ...` tries other words")
    else:
        show_history(known)
        click.echo(f"picture: {path}")

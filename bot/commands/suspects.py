"""``quandary suspects``: labels that may be wrong, and second looks at them."""

import json
import math
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from bot.second_looks import send_looks, sent_today, share_of
from labeling.reviewing import Looked, looked
from models.consent import Modes
from models.question import versions
from models.settings import load_settings
from models.store import bursts
from models.store import suspects as store
from models.store.database import open_database
from models.suspects import THRESHOLD, Reason, Review

WORDS = {
    Reason.RUNGS: "the upper rungs agree against it",
    Reason.CONFIDENT: "confident learning prunes it",
    Reason.ANNOTATOR: "its annotator errs more often this way",
}
FEW = 20
"""With fewer answers of a kind nothing is concluded."""
SURE = 1.96
"""Standard errors, 95 %."""
LATER = "`quandary suspects status` tells what became of those that were sent"
as_json_option = click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")


@click.group()
def suspects() -> None:
    """Labels that may be wrong, and second looks at them."""


@suspects.command("list")
@click.option("--all", "everything", is_flag=True, help="Every weighed label, not only suspects.")
@click.option("--text", "with_text", is_flag=True, help="Show what was written, too.")
@as_json_option
@click.pass_obj
def list_suspects(config: Path, *, everything: bool, with_text: bool, as_json: bool) -> None:
    """Suspect labels that were not sent yet, most suspect first. Who labels should not read this."""
    settings = load_settings(config)
    with closing(open_database(settings.data_dir)) as db:
        found = store.unreviewed(db, versions(settings.questions))
        shown = [one for one in found if everything or one.suspicion >= THRESHOLD]
        said = {one.burst: bursts.get(db, one.burst) for one in shown} if with_text else {}
    texts = {name: burst.text for name, burst in said.items() if burst is not None}
    if as_json:
        rows = [asdict(one) | ({"text": texts.get(one.burst, "")} if with_text else {}) for one in shown]
        click.echo(json.dumps(rows, indent=2))
        return
    if not shown:
        told = f"no label is suspect that was not sent yet; {LATER}"
        told = told if found else f"no weighed label waits: `quandary cycle` weighs them; {LATER}"
        click.echo(told)
        return
    table = Table(title=f"{len(shown)} of {len(found)} weighed labels")
    for column in ("burst", "question", "label", "rather", "suspicion", "why"):
        table.add_column(column, justify="right" if column == "suspicion" else "left", overflow="fold")
    for one in shown:
        why = "; ".join(WORDS[reason] for reason in one.reasons)
        table.add_row(one.burst, one.question, one.given, one.suspected, f"{one.suspicion:.2f}", why)
    Console(markup=False, emoji=False).print(table)
    for name, text in texts.items():
        click.echo(f"{name}: {' / '.join(text.splitlines())}")


@suspects.command("send")
@click.option("--most", type=click.IntRange(min=2), help="Bursts in all.  [default: what is left of the day's share]")
@click.pass_obj
def send_suspects(config: Path, most: int | None) -> None:
    """Have people look again at the most suspect labels, with as many random controls, none told from the others."""
    settings = load_settings(config)
    now = datetime.now(UTC)
    modes = Modes(settings.rooms())
    with closing(open_database(settings.data_dir)) as db:
        sent = send_looks(db, settings, modes, now, most)
        before = sent_today(db, now)
    if sent is None:
        click.echo(
            f"{before} second looks were sent today, of {share_of(settings)} that ask.review_share allows; "
            "--most N sends more"
        )
        return
    if not sent.suspects:
        click.echo("nothing was sent: no label is suspect that was not looked at again, or there are no controls")
        return
    click.echo(
        f"sent {sent.suspects} suspects and {sent.controls} controls; about {sent.expected:.0%} of the suspects are "
        "expected to be wrong. `quandary suspects status` tells what comes of them"
    )


@suspects.command("status")
@as_json_option
@click.pass_obj
def suspects_status(config: Path, *, as_json: bool) -> None:
    """What became of second looks: how many suspects people changed, and how many controls."""
    settings = load_settings(config)
    with closing(open_database(settings.data_dir)) as db:
        reviews = store.reviews(db)
        waiting = store.unreviewed(db, versions(settings.questions))
    rows = outcome(reviews)
    if as_json:
        waits = sum(one.suspicion >= THRESHOLD for one in waiting)
        click.echo(json.dumps({"waiting": waits, **{name: asdict(row) for name, row in rows.items()}}, indent=2))
        return
    table = Table(title="Second looks")
    for column in ("", "sent", "answered", "changed", "in dispute"):
        table.add_column(column, justify="right" if column else "left")
    for name, row in rows.items():
        table.add_row(name, *(str(value) for value in (row.sent, row.answered, row.changed, row.disputed)))
    Console(markup=False, emoji=False).print(table)
    if rows["suspects"].answered and rows["controls"].answered:
        click.echo(told_of(rows["suspects"], rows["controls"]))


def outcome(reviews: Sequence[Review]) -> dict[str, Looked]:
    """What became of suspects and of controls."""
    return {
        "suspects": looked(row for row in reviews if not row.control),
        "controls": looked(row for row in reviews if row.control),
    }


def told_of(tops: Looked, controls: Looked) -> str:
    """One sentence: what the suspicion was worth."""
    wrong = (tops.changed + tops.disputed) / tops.answered
    chance = (controls.changed + controls.disputed) / controls.answered
    told = f"{wrong:.0%} of the suspects did not stand, {chance:.0%} of the controls"
    spread = math.sqrt(wrong * (1 - wrong) / tops.answered + chance * (1 - chance) / controls.answered)
    if min(tops.answered, controls.answered) < FEW or abs(wrong - chance) <= SURE * spread:
        return f"{told}; so few answers do not tell one from the other"
    return f"{told}: " + ("the suspicion finds wrong labels" if wrong > chance else "the suspicion misleads")

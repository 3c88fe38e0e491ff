"""``quandary candidates | approve | reject | rollback``: what a maintainer does."""

import getpass
import json
import os
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from bot import promotion
from models.evidence import Candidate, Outcome, Promotion, Verdict
from models.ids import CandidateId
from models.settings import load_settings
from models.store import erasures, learning, promotions
from models.store.database import open_database

COLOURS = {Outcome.PASS: "green", Outcome.FAIL: "red", Outcome.INCONCLUSIVE: "yellow"}


def login_name() -> str:
    """Who acts, where nobody says: the login name, or the user's number where the system knows no name for it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no entry in the password file, as in a container run with a number
        return f"uid {os.getuid()}"


by_option = click.option("--by", default=login_name, help="Who acts.  [default: the login name]")
why_option = click.option("--why", default="", help="The reason; it is kept.")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.pass_obj
def candidates(config: Path, *, as_json: bool) -> None:
    """List models that might be promoted, with the gate's verdicts, newest first."""
    settings = load_settings(config)
    with closing(open_database(settings.data_dir)) as db:
        found = learning.candidates(db)
        history = promotions.history(db)
        slot = promotions.current_slot(db)
        stale = erasures.stale_candidates(db)
    serving = slot.candidate if slot is not None else None
    if as_json:
        rows = [_row(c, v, _state(c, serving, history)) | {"stale": stale.get(c.id, [])} for c, v in found]
        click.echo(json.dumps(rows, indent=2))
        return
    if not found:
        click.echo("no candidates yet; `quandary cycle` trains one once there are enough labels")
        return
    console = Console()
    for candidate, verdict in found:
        state = _state(candidate, serving, history)
        console.print(Text.assemble((candidate.id, "bold"), f"  {state}, the gate says ", _outcome(verdict.outcome)))
        console.print(Text(f"  {candidate.revision} from {candidate.base}, {candidate.created_at:%Y-%m-%d %H:%M} UTC"))
        for check in verdict.checks:
            console.print(Text.assemble("  ", _outcome(check.outcome), f" {check.name}: {check.reason}"))
        if candidate.id in stale:
            told = ", ".join(stale[candidate.id])
            console.print(Text(f"  trained on messages that were erased since (erasure {told}): retrain"))
        if verdict.picture is not None:
            console.print(Text(f"  picture of the ladder: {settings.data_dir / verdict.picture}"))


@click.command()
@click.argument("candidate")
@click.option("--override", is_flag=True, help="Even though the gate did not pass it; needs --why.")
@by_option
@why_option
@click.pass_obj
def approve(config: Path, candidate: str, by: str, why: str, *, override: bool) -> None:
    """Let CANDIDATE serve: a running bot takes it in within a second or two."""
    settings = load_settings(config)
    with closing(open_database(settings.data_dir)) as db:
        done = promotion.approve(db, settings, CandidateId(candidate), by=by, override=override, why=why)
    note = " (overriding the gate)" if done.override else ""
    click.echo(f"{candidate} approved by {by}{note}; `quandary rollback` takes it back")


@click.command()
@click.argument("candidate")
@by_option
@why_option
@click.pass_obj
def reject(config: Path, candidate: str, by: str, why: str) -> None:
    """Refuse CANDIDATE, with a reason."""
    settings = load_settings(config)
    with closing(open_database(settings.data_dir)) as db:
        promotion.reject(db, CandidateId(candidate), by=by, why=why)
    click.echo(f"{candidate} rejected by {by}")


@click.command()
@by_option
@why_option
@click.pass_obj
def rollback(config: Path, by: str, why: str) -> None:
    """Go back to the model that served before."""
    settings = load_settings(config)
    with closing(open_database(settings.data_dir)) as db:
        done = promotion.rollback(db, settings, by=by, why=why)
    click.echo(f"{done.candidate} taken back by {by}; {done.binding['to']} serves again")


def _outcome(outcome: Outcome) -> tuple[str, str]:
    return outcome.value, COLOURS[outcome]


def _state(candidate: Candidate, serving: CandidateId | None, history: Sequence[Promotion]) -> str:
    if candidate.id == serving:
        return "serves"
    acts = [done.action.value for done in history if done.candidate == candidate.id]
    past = {"approve": "served before", "reject": "rejected", "rollback": "rolled back"}
    return past[acts[-1]] if acts else "waits for a maintainer"


def _row(candidate: Candidate, verdict: Verdict, state: str) -> dict[str, Any]:
    return {
        "id": candidate.id,
        "state": state,
        "outcome": verdict.outcome.value,
        "checks": [
            {"name": c.name, "outcome": c.outcome.value, "reason": c.reason, "figures": dict(c.figures)}
            for c in verdict.checks
        ],
        "base": candidate.base,
        "revision": candidate.revision,
        "dataset": candidate.dataset,
        "picture": verdict.picture,
        "created_at": candidate.created_at.isoformat(),
    }

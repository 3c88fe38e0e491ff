"""``quandary verdict``: what the gate said, and whether the stored evidence still says it."""

import json
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.table import Column, Table

from models.errors import InputError, TrainingError
from models.evidence import Candidate, Verdict
from models.settings import Settings, load_settings
from models.store import learning
from models.store.database import open_database
from retrain.options import AS_JSON, CONFIG

if TYPE_CHECKING:
    from retrain.verdict import Again


@click.group()
def verdict() -> None:
    """Look at the gate's verdicts: list, and show, which judges the stored evidence once more and compares."""


@verdict.command("list")
@CONFIG
@AS_JSON
def list_(config: Path, *, as_json: bool) -> None:
    """Every verdict, newest first: outcome, when, by which version of the gate, and how its checks came out."""
    rows = [_row(candidate, told) for candidate, told in _known(load_settings(config))]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    if not rows:
        click.echo("no verdicts yet; `quandary cycle` trains a candidate and judges it")
        return
    whole = (Column(name, no_wrap=True) for name in ("candidate", "outcome", "judged (UTC)", "gate"))
    table = Table(*whole, Column("base", overflow="fold"))
    for row in rows:
        counts, at = row["checks"], row["judged_at"][:16].replace("T", " ")
        told = f"{row['outcome']}\n{counts['pass']} pass, {counts['fail']} fail,\n{counts['inconclusive']} open"
        table.add_row(row["candidate"], told, at, row["gate_version"].partition("+")[0], row["base"])
    Console(markup=False, emoji=False).print(table)


@verdict.command()
@click.argument("candidate", metavar="ID")
@CONFIG
@AS_JSON
def show(candidate: str, config: Path, *, as_json: bool) -> None:
    """The verdict on candidate ID (its first characters will do), reached again from its evidence; nothing is written.

    An error ends it if the evidence is missing, damaged or changed, or gives another verdict than was stored.
    """
    from retrain.verdict import reach_again  # noqa: PLC0415 - the list does without scipy and scikit-learn

    settings = load_settings(config)
    about, stored = named(_known(settings), candidate)
    again = reach_again(stored, about, settings.data_dir, settings.questions, settings.gate, settings.train.seed)
    if as_json:
        click.echo(json.dumps(_body(about, again), indent=2))
    else:
        _tell(about, again)
    if again.lost:
        raise InputError(f"the verdict on {about.id} cannot be reached again: {again.why}")
    if again.same is False:
        raise TrainingError(f"the verdict on {about.id} or its evidence is not what was stored; see above")


def named(known: Sequence[tuple[Candidate, Verdict]], name: str) -> tuple[Candidate, Verdict]:
    """The one candidate whose id begins with ``name``; raises InputError where there is none, or more than one."""
    found = [pair for pair in known if name and pair[0].id.startswith(name)]
    if len(found) != 1:
        told = ", ".join(c.id for c, _ in known) or "none at all"
        count = "no candidate has" if not found else f"{len(found)} candidates have"
        raise InputError(f"{count} an id that begins with {name!r}; there are: {told}")
    return found[0]


def _known(settings: Settings) -> list[tuple[Candidate, Verdict]]:
    with closing(open_database(settings.data_dir)) as db:
        return learning.candidates(db)


def _row(candidate: Candidate, told: Verdict) -> dict[str, Any]:
    outcomes = [check.outcome.value for check in told.checks]
    return {
        "candidate": candidate.id,
        "outcome": told.outcome.value,
        "judged_at": told.judged_at.isoformat(),
        "gate_version": told.gate_version,
        "base": candidate.base,
        "dataset": candidate.dataset,
        "checks": {kind: outcomes.count(kind) for kind in ("pass", "fail", "inconclusive")},
    }


def _body(candidate: Candidate, again: "Again") -> dict[str, Any]:
    terms = again.stored.terms
    return {
        **_row(candidate, again.stored),
        "terms": None
        if terms is None
        else {"gate": dict(terms.gate), "seed": terms.seed, "evidence_sha256": terms.evidence_sha256},
        "picture": again.stored.picture,
        "same": again.same,
        "why_not": again.why,
        "differences": list(again.differences),
        "stored": _checks(again.stored),
        "again": None if again.verdict is None else _checks(again.verdict),
    }


def _checks(told: Verdict) -> list[dict[str, Any]]:
    return [
        {"name": c.name, "outcome": c.outcome.value, "reason": c.reason, "figures": dict(c.figures)}
        for c in told.checks
    ]


def _tell(candidate: Candidate, again: "Again") -> None:
    stored = again.stored
    title = f"Candidate {candidate.id}: {stored.outcome.value}, {stored.judged_at:%Y-%m-%d %H:%M} UTC"
    table = Table("check", "outcome", "reason", title=f"{title}, gate {stored.gate_version}", show_lines=True)
    for check in stored.checks:
        table.add_row(check.name, check.outcome.value, check.reason)
    Console(markup=False, emoji=False).print(table)
    if again.same is None and not again.lost:
        click.echo(f"not reached again: {again.why}")
    elif again.same:
        click.echo(f"reached again from its evidence: the same in all {len(stored.checks)} checks")
    elif again.differences:
        click.echo("reached again from its evidence, it is NOT the same:")
        for difference in again.differences:
            click.echo(f"  {difference}")

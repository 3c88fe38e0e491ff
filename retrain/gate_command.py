"""``quandary gate``: a candidate judged once more, and how every command tells of one that was judged."""

import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from models.errors import InputError
from models.evidence import Candidate, Verdict
from models.settings import load_settings
from models.step import Step
from models.store import learning
from models.store.database import open_database
from retrain.acting import act
from retrain.evidence_file import FILE
from retrain.ladder_table import show_ladder
from retrain.options import AS_JSON, CONFIG
from retrain.picture import PICTURE, Panel, draw, panels
from retrain.verdict import reach
from retrain.verdict_command import named


@click.command()
@click.argument("candidate", metavar="[ID]", required=False)
@CONFIG
@AS_JSON
def gate(candidate: str | None, config: Path, *, as_json: bool) -> None:
    """Judge a candidate again on its evidence, under the settings as they are now.

    The verdict takes the old one's place. ID may be its first characters; without it the newest candidate is judged.
    """
    settings = load_settings(config)
    with closing(open_database(settings.data_dir)) as db:
        known = learning.candidates(db)
        if not known:
            raise InputError("there is no candidate to judge; `quandary cycle` trains one")
        found, _ = known[0] if candidate is None else named(known, candidate)
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
    tell(found, verdict, step, drawn, as_json=as_json)


def tell(candidate: Candidate, verdict: Verdict, step: Step | None, drawn: Sequence[Panel], *, as_json: bool) -> None:
    """Print a candidate's ladder, its checks, and the step that follows, as JSON or as tables."""
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
            "ladder": ladder_figures(drawn),
        }
        click.echo(json.dumps(body, indent=2))
        return
    show_ladder(drawn)
    table = Table(title=f"Candidate {candidate.id}: {verdict.outcome.value}", show_lines=True)
    for column in ("check", "outcome", "reason"):
        table.add_column(column, no_wrap=column != "reason")
    for check in verdict.checks:
        table.add_row(check.name, check.outcome.value, check.reason)
    Console(markup=False, emoji=False).print(table)
    if step is not None:
        click.echo(f"next: {step.told}\n  for {step.reason}")


def ladder_figures(drawn: Sequence[Panel]) -> dict[str, object]:
    """A ladder as ``--json`` prints it, by question."""
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

"""``quandary status``: where everything stands."""

import json
from collections.abc import Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.status import status as gather
from models.settings import load_settings
from models.store.database import open_database


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print figures as JSON.")
@click.pass_obj
def status(config: Path, *, as_json: bool) -> None:
    """Show bursts, routes, replies, feedback, requests, labels, thresholds, the champion and the last training."""
    settings = load_settings(config)
    with closing(open_database(settings.data_dir)) as db:
        found = gather(db, settings)
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        _show(found)


def _show(found: Mapping[str, Any]) -> None:
    table = Table(show_header=False)
    for name in ("bursts", "routes", "replies", "feedback", "requests", "labels"):
        table.add_row(name, ", ".join(f"{count} {what}" for what, count in found[name].items()) or "none yet")
    if waits := _waits(found["outbox"]):
        table.add_row("waits for Argilla", Text(waits))
    table.add_row("asking", Text(_asking(found["asking"])))
    if found["paused"]:
        table.add_row("paused by admins", Text(", ".join(found["paused"])))
    if (delays := found["closed_to_decided"])["bursts"]:
        table.add_row("closed to decided", f"{delays['p50_s']:.3f} s (half), {delays['p95_s']:.3f} s (95 in 100)")
    modes = ", ".join(f"{count} {mode}" for mode, count in found["rooms"]["modes"].items())
    table.add_row("rooms", Text("\n".join([*([modes] if modes else []), *found["rooms"]["held"]])))
    champion, run = found["champion"], found["last_run"]
    origin = f"candidate {champion['candidate']}" if champion["candidate"] else "the model of config.toml"
    table.add_row("champion", Text(champion.get("error") or f"{champion['model']} ({champion['revision']}), {origin}"))
    for question, fitted in found["thresholds"].items():
        table.add_row(f"guaranteed of {question}", Text("\n".join(fitted["guaranteed"].values())))
    table.add_row("candidates", str(found["candidates"]))
    if found["next"] is not None:
        table.add_row("next", Text(f"{found['next']['told']}\n{found['next']['reason']}"))
    for question, words in found["wordings"].items():
        table.add_row(f"wording of {question}", Text(_worded(question, words)))
    for candidate, erased in found["stale"].items():
        table.add_row(
            "to be trained anew",
            Text(f"{candidate} learned from messages that were erased since (erasure {', '.join(erased)})"),
        )
    if found["erasures"]["under way"]:
        table.add_row("erasures", ", ".join(f"{count} {what}" for what, count in found["erasures"].items()))
    last = "none yet"
    if run is not None:
        last = f"{run['id']}: {run['state']}, step {run['step']} of {run['steps']}, {run['message']}"
    table.add_row("last training", Text(last))
    Console().print(table)


def _worded(question: str, words: Mapping[str, Any]) -> str:
    """Whose words a question is asked in, where they are not config.toml's own."""
    if not words["holds"]:
        return "config.toml was changed since a wording was adopted, and goes before it"
    day = datetime.fromisoformat(words["at"])
    return (
        f"{words['text']} (adopted by {words['by']}, {day:%Y-%m-%d}; `quandary revise {question} --back` takes it back)"
    )


def _waits(outbox: Mapping[str, Any]) -> str:
    """What Argilla is still to be told, in words; empty where that is nothing."""
    told = []
    if outbox["to_send"]:
        told.append(f"{outbox['to_send']} requests to be sent, the oldest since {_minute(outbox['since'])}")
        if outbox["attempts"]:
            told.append(f"tried up to {outbox['attempts']} times, again at {_minute(outbox['next_attempt_at'])}")
    if outbox["to_take_back"]:
        told.append(f"{outbox['to_take_back']} records to be taken back")
    if outbox["given_up"]:
        told.append(f"{outbox['given_up']} requests that it refused too often to be sent again")
    return "; ".join(told)


def _minute(moment: str | None) -> str:
    return "once" if moment is None else f"{datetime.fromisoformat(moment):%Y-%m-%d %H:%M} UTC"


def _asking(found: Mapping[str, Any]) -> str:
    """How asking stands, in words; above all whether labels still change anything."""
    lines = [
        f"{found['asked_today']} of {found['budget']} requests today, chosen by {found['strategy']}",
        f"{found['pool']} unsure bursts wait and could be asked about",
    ]
    lines += [
        f"the last training changed {seen['changed']} of {seen['bursts']} held-out decisions "
        f"({name.removeprefix('challenger ')}): {seen['at_most']:.1%} at most, at 95 % confidence"
        for name, seen in found["changes"].items()
        if seen["bursts"]
    ]
    if found["settled"]:
        lines.append("recent labels no longer change decisions, so less is asked (ask.settled_share)")
    return "\n".join(lines)

"""Trials and the history of revisions as tables and JSON."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from models.question import Question
from models.revision import Relabelled, Round, RungReading
from models.wording import Wording, wording_of
from retrain.picture import short_count
from retrain.revision.trial import Gain, Trial
from retrain.trend import Trend

STARTER = "starter-"
SURE = 0.05
Known = tuple[Round, Relabelled]
"""A round, and what people said of the same bursts before and after it."""


def changes(old: Wording, new: Wording) -> list[tuple[str, str, str]]:
    """What differs between two wordings: name, old words, new words."""
    pairs = [(name, getattr(old, name), getattr(new, name)) for name in ("text", "definition", "guidelines")]
    pairs += [(f"option {name}", words, new.options.get(name, "")) for name, words in old.options.items()]
    return [(name, before, after) for name, before, after in pairs if before != after]


def show_trial(question: Question, new: Question, found: Trial) -> None:
    """Both wordings, both ladders, and what follows."""
    console = Console()
    words = Table(title=f"{question.id}: the wordings", show_lines=True)
    for column in ("", "now", "new"):
        words.add_column(column)
    for row in changes(wording_of(question), wording_of(new)):
        words.add_row(*map(Text, row))
    console.print(words)
    table = Table(title=f"{found.labels} labels of {found.conversations} conversations, untrained rungs (now / new)")
    for column in ("rung", "macro-F1", "gain", "log p", "gain (nats)"):
        table.add_column(column, justify="left" if column == "rung" else "right", no_wrap=column != "rung")
    for one in found.rungs:
        table.add_row(
            f"{one.new.rung}\n{short_count(one.new.parameters)}",
            f"{one.old.macro_f1:.3f} /\n{one.new.macro_f1:.3f}",
            _gain(one.macro_f1),
            f"{one.old.gold:.3f} /\n{one.new.gold:.3f}",
            f"{_gain(one.gold)}\n{one.gold.told}",
        )
    console.print(table)
    if partial := [one.new.rung for one in found.rungs if one.new.rung.startswith(STARTER)]:
        click.echo(
            f"{', '.join(partial)} learned the shipped words by heart and side with them: to compare with those, read "
            "a family that never saw them (ladder.rungs)"
        )
    click.echo(f"the ladder now: {_trend(found.old_trend)}; in the new words: {_trend(found.new_trend)}")
    click.echo(found.told)


def show_history(known: Sequence[Known]) -> None:
    """Round by round: the words, who adopted them, the ladder before and after, and the labels changed since."""
    table = Table(title="Rounds of revision", show_lines=True)
    for column in ("round", "question", "when, by", "what changed", "top rung's log p", "labels changed"):
        table.add_column(
            column, justify="right" if column == "round" else "left", no_wrap=column in ("round", "labels changed")
        )
    for one, since in known:
        what = "\n".join(f"{name}: {old!r} -> {new!r}" for name, old, new in changes(one.old, one.new))
        share = (
            "none asked again yet" if since.share is None else f"{since.changed} of {since.both} ({since.share:.0%})"
        )
        table.add_row(
            f"{one.round}{' (back)' if one.back else ''}",
            one.question,
            Text(f"{one.at:%Y-%m-%d %H:%M}\n{one.by}" + (f"\n{one.why}" if one.why else "")),
            Text(what),
            f"before {_top(one.before)}\nafter {_top(one.after)}",
            f"{share}\n{one.labels} stood before",
        )
    Console().print(table)


def history_body(one: Round, since: Relabelled) -> dict[str, Any]:
    """A round as JSON."""
    return asdict(one) | {"at": one.at.isoformat(), "labels_since": {**asdict(since), "share": since.share}}


def of_arm(readings: Iterable[RungReading] | None, arm: str) -> list[RungReading]:
    """The readings of one arm, smallest rung first."""
    return sorted((one for one in readings or () if one.arm == arm), key=lambda one: one.parameters)


def _top(readings: Sequence[RungReading] | None) -> str:
    told = [f"{rungs[-1].gold:.3f} {arm}" for arm in ("vanilla", "tuned") if (rungs := of_arm(readings, arm))]
    return ", ".join(told) or "no cycle yet"


def _gain(gain: Gain) -> str:
    return f"{gain.value:+.3f}\n{gain.low:+.3f} to {gain.high:+.3f}"


def _trend(trend: Trend | None) -> str:
    if trend is None:
        return "too little for a trend"
    said = "rises" if trend.p_rise < SURE else "falls" if trend.p_fall < SURE else "has no sure trend"
    return f"{said} (Page's test, p = {trend.p_rise:.3f}, z = {trend.z:+.2f})"

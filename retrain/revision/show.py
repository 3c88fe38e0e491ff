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
from retrain.trend import Trend, told_p

STARTER = "starter-"
SURE = 0.05
Known = tuple[Round, Relabelled]
"""A round, and what people said of the same bursts before and after it."""

SHOWN = 200
"""So many characters of a wording are shown in the history."""


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
    for one, since in known:
        again = "" if not one.back else " (back)"
        click.echo(
            f"round {one.round}{again} of {one.question}, {one.at:%Y-%m-%d %H:%M} UTC by {one.by}"
            + (f": {one.why}" if one.why else "")
        )
        for name, old, new in changes(one.old, one.new):
            click.echo(f"  {name}: {_short(old)}\n  {'':>{len(name) - 1}}-> {_short(new)}")
        click.echo(f"  the top rung's log p: before {_top(one.before)}; after {_top(one.after)}")
        share = (
            "none asked again yet"
            if since.share is None
            else f"{since.changed} of {since.both} ({since.share:.0%}) changed since"
        )
        click.echo(f"  {one.labels} labels stood before; {share}")


def _short(words: str) -> str:
    """On one line, and no longer than can be read there; --json has all of it."""
    line = " ".join(words.split())
    return repr(line if len(line) <= SHOWN else f"{line[: SHOWN - 1]}…")


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
    return f"{said} (Page's test, {told_p(trend.p_rise)}, z = {trend.z:+.2f})"

"""``quandary bench privacy``: what masking finds and what it leaves, on made-up chat lines and on a chat of your own.

A marked span counts as found if masked words cover all of it, whatever kind they name; a masked span counts as right
if it touches a marked one. Precision and recall are counted by span, false alarms on a chat by 1,000 messages.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from models.labelled import read_json_lines
from models.privacy import spans

LINES = Path(__file__).parent / "privacy_lines"
SETS = ("seen", "held_out")
KINDS = ("email", "phone", "ip", "card", "secret")
_MARK = re.compile(r"\{\{(\w+):(.+?)\}\}(?!\})")
_SHOWN = 40

Spans = Sequence[tuple[int, int, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of chat and what is to be masked of it: begin, end and kind."""

    text: str
    marked: Spans


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Spans of one kind: marked, of these found, masked under this kind's name, of these right."""

    marked: int
    found: int
    masked: int
    right: int

    @property
    def recall(self) -> float | None:
        """Found of those marked, 0 to 1; None where there are none."""
        return self.found / self.marked if self.marked else None

    @property
    def precision(self) -> float | None:
        """Right of those masked, 0 to 1; None where there are none."""
        return self.right / self.masked if self.masked else None


def read_lines(name: str) -> list[Line]:
    """Read one of the two shipped sets: ``seen`` while masking was improved, or ``held_out``."""
    rows = (LINES / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return [unmarked(row) for row in rows if row and not row.startswith("# ")]


def unmarked(row: str) -> Line:
    """Take the marks out of a line."""
    text, marked, at = "", [], 0
    for found in _MARK.finditer(row):
        text += row[at : found.start()]
        marked.append((len(text), len(text) + len(found[2]), found[1]))
        text += found[2]
        at = found.end()
    return Line(text=text + row[at:], marked=marked)


def score(lines: Iterable[Line]) -> dict[str, Score]:
    """Score masking by kind, and over ``all``."""
    counts: Counter[tuple[str, str]] = Counter()
    for line in lines:
        masked = spans(line.text)
        for begin, end, kind in line.marked:
            counts[kind, "marked"] += 1
            counts[kind, "found"] += any(b <= begin and end <= e for b, e, _ in masked)
        for begin, end, kind in masked:
            counts[kind, "masked"] += 1
            counts[kind, "right"] += any(b < end and begin < e for b, e, _ in line.marked)
    parts = ("marked", "found", "masked", "right")
    by_kind = {kind: Score(**{part: counts[kind, part] for part in parts}) for kind in KINDS}
    total = {part: sum(getattr(one, part) for one in by_kind.values()) for part in parts}
    return {**by_kind, "all": Score(**total)}


def in_chat(texts: Iterable[str]) -> dict[str, Any]:
    """Count what is masked by 1,000 messages, with a few of each kind to look at."""
    messages, counts, shown = 0, Counter[str](), dict[str, list[str]]()
    for text in texts:
        messages += 1
        for begin, end, kind in spans(text):
            counts[kind] += 1
            examples = shown.setdefault(kind, [])
            if len(examples) < _SHOWN:
                examples.append(text[max(0, begin - 20) : end + 10])
    return {
        "messages": messages,
        "per_1000": {kind: round(1000 * counts[kind] / max(1, messages), 3) for kind in KINDS},
        "examples": shown,
    }


@click.command()
@click.argument("chat", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--examples", is_flag=True, help="Also show what was masked in CHAT; keep it to yourself.")
@click.option("--json", "as_json", is_flag=True, help="Print figures as JSON.")
def privacy(chat: Sequence[Path], *, examples: bool, as_json: bool) -> None:
    """Precision and recall of masking on made-up lines, and how much of CHAT (JSON lines with text) is masked."""
    scores = {name: score(read_lines(name)) for name in SETS}
    rates = {path.name: in_chat(str(row.get("text", "")) for _, row in read_json_lines(path)) for path in chat}
    if not examples:
        rates = {name: {k: v for k, v in rate.items() if k != "examples"} for name, rate in rates.items()}
    if as_json:
        lines = {name: len(read_lines(name)) for name in SETS}
        found = {name: {kind: _figures(one) for kind, one in by.items()} for name, by in scores.items()}
        click.echo(json.dumps({"lines": lines, "sets": found, "chat": rates}, indent=2, ensure_ascii=False))
        return
    table = Table("set", "kind", "marked", "precision", "recall", title="masking, by span")
    for name, by in scores.items():
        for kind, one in by.items():
            table.add_row(name, kind, str(one.marked), _shown(one.precision), _shown(one.recall))
    console = Console()
    console.print(table)
    for name, rate in rates.items():
        console.print(f"{name}: {rate['messages']} messages; masked by 1,000: {rate['per_1000']}", markup=False)
        for kind, found in rate.get("examples", {}).items():
            console.print(*(f"  {kind}: {one}" for one in found), sep="\n", markup=False)


def _figures(one: Score) -> dict[str, float | int | None]:
    return {
        "marked": one.marked,
        "found": one.found,
        "masked": one.masked,
        "right": one.right,
        "precision": None if one.precision is None else round(one.precision, 4),
        "recall": None if one.recall is None else round(one.recall, 4),
    }


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"

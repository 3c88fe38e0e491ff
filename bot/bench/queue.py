"""``quandary bench queue``: the embedded Argilla's start, memory and answers, with annotators at work, as it fills."""

import asyncio
import json
import platform
import tempfile
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from bot.bench.annotating import annotate, summary
from bot.bench.crowd import made_up_texts
from bot.bench.memory import resident_mib_of
from labeling.desk import Desk
from labeling.embedded import EmbeddedArgilla
from labeling.filling import fill
from labeling.form import Form, Suggestion
from models.chat import WindowMessage
from models.ids import RequestId
from models.question import Question
from models.settings import load_settings

_SENT = 200  # records sent through the API first: the others are made after these
_SENT_AT_ONCE = 20
_SETTLE_S = 2.0
_START_MAX_S = 1800.0  # a bench says how long a start took, however long


@click.command()
@click.option("--records", type=click.IntRange(min=_SENT), multiple=True, default=(5000, 50_000), show_default=True)
@click.option("--annotators", type=click.IntRange(min=1), default=8, show_default=True, help="At once.")
@click.option("--items", type=click.IntRange(min=1), default=12, show_default=True, help="For each annotator and size.")
@click.option("--pause", "pause_s", type=click.FloatRange(min=0), default=0.0, help="Seconds of thought for each item.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print figures as JSON.")
@click.pass_obj
def queue(
    config: Path, records: tuple[int, ...], annotators: int, items: int, pause_s: float, seed: int, *, as_json: bool
) -> None:
    """Fill an embedded Argilla that is thrown away, and have annotators work in it, at one size after another.

    Without --pause nobody thinks: each sends the next call as soon as the last is answered.
    """
    questions = load_settings(config).questions
    with tempfile.TemporaryDirectory(prefix="quandary-") as name:
        sizes = sorted(set(records))
        run = _Run(Path(name), questions, annotators, items, pause_s, seed)
        found = {"python": platform.python_version(), "annotators": annotators, "pause_s": pause_s, "seed": seed}
        found |= asyncio.run(run.measure(sizes))
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        _show(found)


class _Run:
    def __init__(
        self, home: Path, questions: tuple[Question, ...], annotators: int, items: int, pause_s: float, seed: int
    ) -> None:
        self._home = home
        self._questions = questions
        self._names = [f"annotator-{number}" for number in range(annotators)]
        self._items = items
        self._pause_s = pause_s
        self._seed = seed
        self._texts = made_up_texts(seed)

    async def measure(self, sizes: list[int]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        begun = perf_counter()
        async with EmbeddedArgilla(self._home, start_timeout_s=_START_MAX_S) as server:
            found["first_start_s"] = round(perf_counter() - begun, 2)
            async with Desk(server.url, server.credentials.api_key, self._questions) as desk:
                people = {name: await desk.add_annotator(name) or "" for name in self._names}
                begun = perf_counter()
                for start in range(0, _SENT, _SENT_AT_ONCE):
                    await desk.push([self._form(number) for number in range(start, start + _SENT_AT_ONCE)])
                found["sent_per_s"] = round(_SENT / (perf_counter() - begun), 1)
        there, found["sizes"] = _SENT, []
        for size in sizes:
            await asyncio.to_thread(fill, self._home, self._texts, count=size - there, seed=self._seed + size)
            there = size
            found["sizes"].append(await self._at(size, people))
        return found

    async def _at(self, size: int, people: Mapping[str, str]) -> dict[str, Any]:
        found: dict[str, Any] = {"records": size}
        begun = perf_counter()
        async with EmbeddedArgilla(self._home, start_timeout_s=_START_MAX_S):
            found["start_and_index_s"] = round(perf_counter() - begun, 2)
        begun = perf_counter()
        async with EmbeddedArgilla(self._home, start_timeout_s=_START_MAX_S) as server:
            found["start_s"] = round(perf_counter() - begun, 2)
            await asyncio.sleep(_SETTLE_S)
            found["idle_mib"] = round(resident_mib_of(server.pid or 0), 1)
            words = [word for text in self._texts[:50] for word in text.split()[:1]]
            question, items, pause_s = str(self._questions[0].id), self._items, self._pause_s
            times = await annotate(
                server.url, people, question, words, items=items, pause_s=pause_s, seed=self._seed + size
            )
            found["calls"] = summary(times)
            found["busy_mib"] = round(resident_mib_of(server.pid or 0), 1)
        return found

    def _form(self, number: int) -> Form:
        question = self._questions[0]
        return Form(
            request=RequestId(f"sent-{number}"),
            room=f"room-{number % 50}",
            window=(WindowMessage(sender="P1", text=self._texts[-number]),),
            speaker="S",
            text=self._texts[number],
            suggestions={question.id: Suggestion(option=question.options[0].id, score=0.5, agent="quandary-bench")},
        )


def _show(found: Mapping[str, Any]) -> None:
    console = Console()
    console.print(f"first start {found['first_start_s']} s; {found['sent_per_s']} records a second sent by its API")
    for at in found["sizes"]:
        table = Table(title=f"{at['records']} records, {found['annotators']} annotators at once")
        for column in ("call", "p50, ms", "p95, ms", "calls"):
            table.add_column(column, justify="left" if column == "call" else "right")
        for name, figures in at["calls"].items():
            table.add_row(name, *(str(figures[key]) for key in ("p50_ms", "p95_ms", "calls")))
        console.print(table)
        console.print(
            f"started in {at['start_s']} s (with all to index {at['start_and_index_s']} s); "
            f"{at['idle_mib']} MiB idle, {at['busy_mib']} MiB after work"
        )

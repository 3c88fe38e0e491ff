"""``quandary bench decide``: what a decision costs, next to the other ways of asking the same model."""

import json
import math
import os
import platform
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial
from pathlib import Path

import click
from rich.console import Console
from rich.status import Status
from rich.table import Table

from bot.bench.deciding import Measured, Plan, measure
from bot.bench.shapes import gguf_of_shape, learning_side
from bot.model_file import model_file
from models.llama.quantize import KINDS
from models.llama.shape import SHAPES
from models.settings import Settings, load_settings

_DEFAULT_SHAPES = ("qwen1.5-0.5b",)
_DEFAULT_KINDS = ("q8_0", "q4_k_m")
_COUNTS = click.IntRange(min=1)


@click.command()
@click.option("--model", "models", multiple=True, help="A GGUF or built-in name; repeatable.  [default: starter]")
@click.option(
    "--shape",
    "shapes",
    multiple=True,
    type=click.Choice([*SHAPES, "none"]),
    default=_DEFAULT_SHAPES,
    show_default=True,
    help="Random weights in the shape of a hub model; repeatable.",
)
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=click.Choice(list(KINDS)),
    default=_DEFAULT_KINDS,
    show_default=True,
    help="Quantization of the shapes; repeatable.",
)
@click.option("--rounds", type=_COUNTS, default=5, show_default=True, help="Every arm once a round.")
@click.option("--tokens", type=click.IntRange(min=200), default=300, show_default=True, help="Of a prompt.")
@click.option("--threads", type=_COUNTS, default=2, show_default=True)
@click.option("--queue", "queues", multiple=True, type=_COUNTS, default=(1, 10, 100), show_default=True)
@click.option("--work", type=click.Path(path_type=Path, file_okay=False), help="Keeps the shapes' files.")
@click.option("--repack", is_flag=True, help="Let llama.cpp rearrange the weights for this CPU, in every arm.")
@click.option("--ours-only", is_flag=True, help="Leave out what we are compared with.")
@click.option("--json", "as_json", is_flag=True, help="Print figures as JSON.")
@click.pass_obj
def decide(
    config: Path,
    models: tuple[str, ...],
    shapes: tuple[str, ...],
    kinds: tuple[str, ...],
    rounds: int,
    tokens: int,
    threads: int,
    queues: tuple[int, ...],
    work: Path | None,
    *,
    repack: bool,
    ours_only: bool,
    as_json: bool,
) -> None:
    """Time decisions against llama-cpp-python's chat completions, transformers and llama.cpp's own limit."""
    settings = load_settings(config)
    plan = Plan(threads=threads, tokens=tokens, rounds=rounds, queues=queues, repack=repack, rivals=not ours_only)
    console = Console(stderr=True)
    found: list[Measured] = []
    with ExitStack() as stack:
        folder = work or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="quandary-bench-")))
        for path, shape in _files(models or ("starter",), shapes, kinds, folder, settings):
            with console.status(path.name) as status:
                found.append(
                    measure(
                        path,
                        settings.questions,
                        plan,
                        shape=shape if learning_side() else None,
                        advance=partial(_tell, status, path.name),
                    )
                )
    if as_json:
        click.echo(json.dumps({"host": _host(), "plan": asdict(plan), "models": [asdict(m) for m in found]}, indent=2))
        return
    for measured in found:
        _show(measured)


def _tell(status: Status, model: str, arm: str) -> None:
    status.update(f"{model}: {arm}")


def _files(
    models: tuple[str, ...], shapes: tuple[str, ...], kinds: tuple[str, ...], folder: Path, settings: Settings
) -> Iterator[tuple[Path, str | None]]:
    for name in models:
        yield model_file(name, settings), None
    for shape in shapes:
        if shape != "none":
            yield from ((path, shape) for path in gguf_of_shape(shape, kinds, folder).values())


def _host() -> dict[str, object]:
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else math.nan
    return {"machine": platform.machine(), "processor": _processor(), "cores": os.cpu_count(), "load": round(load, 2)}


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor()


def _show(measured: Measured) -> None:
    title = (
        f"{measured.model}: {measured.file_mb:.0f} MB, {measured.resident_mb:.0f} MB resident; "
        f"prompts of {measured.prompt_tokens} tokens, {measured.preamble_tokens} of them preamble; "
        f"new tokens {measured.new_tokens_one} (one question), {measured.new_tokens_all} (all)"
    )
    arms = Table(title=title)
    for column in ("arm", "ms", "CPU ms"):
        arms.add_column(column, justify="left" if column == "arm" else "right")
    for name, spent in measured.spent.items():
        arms.add_row(name, f"{spent.ms:.1f}", f"{spent.cpu_ms:.1f}")
    for name, (wall, cpu) in measured.ratios.items():
        arms.add_row(name, f"{wall:.2f} x", f"{cpu:.2f} x")
    queues = Table()
    for column in ("waiting", "at once", "p50 ms", "p95 ms", "bursts/s", "CPU ms a burst"):
        queues.add_column(column, justify="right")
    for w in measured.waited:
        times = (f"{w.p50_ms:.0f}", f"{w.p95_ms:.0f}", f"{w.bursts_per_s:.2f}", f"{w.cpu_ms:.1f}")
        queues.add_row(str(w.waiting), str(w.at_once), *times)
    console = Console()
    console.print(arms)
    console.print(queues)

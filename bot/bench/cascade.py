"""``quandary bench cascade``: how much faster a small model before the large one is, and what it costs."""

import json
from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bot.bench.cascade_arms import BATCH, decide_all, levels, loosest, measure
from bot.model_file import model_file
from models.cascade import Bars, even_bars
from models.cascade_fit import fit_bars, fit_place, pair_of, read_fit, shipped_place, write_fit
from models.champion import champion_gguf
from models.errors import SettingsError
from models.labelled import read_items
from models.llama import open_decider
from models.settings import Settings, load_settings


@click.command("cascade")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--fit", type=click.Path(path_type=Path), help="Labelled file that the bars are fitted on; never FILE.")
@click.option("--small", help="GGUF or built-in name.  [default: decide.cascade, else starter-xs]")
@click.option("--model", help="The large one: GGUF or built-in name.  [default: champion]")
@click.option("--agreement", type=click.FloatRange(0.5, 0.9999), help="Rate of agreement.  [default: by --loss]")
@click.option("--loss", default=0.005, show_default=True, help="F1 that may be lost on the fitted file.")
@click.option("--fit-limit", type=click.IntRange(min=1), default=2000, show_default=True, help="Rows to fit on.")
@click.option("--limit", type=click.IntRange(min=1), help="Measure the first N rows of FILE only.")
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True, help="Timed rounds.")
@click.option("--keep", is_flag=True, help="Keep the fit in the data directory, for the bot to serve by.")
@click.option("--json", "as_json", is_flag=True, help="Print figures as JSON.")
@click.pass_obj
def cascade(
    config: Path,
    file: Path,
    fit: Path | None,
    small: str | None,
    model: str | None,
    agreement: float | None,
    loss: float,
    fit_limit: int,
    limit: int | None,
    rounds: int,
    *,
    keep: bool,
    as_json: bool,
) -> None:
    """Measure a small model before the large one on FILE, against the large one alone.

    The bars beyond which the small model settles a burst are fitted on another labelled file (--fit), or those that
    serve already are measured. Both models should not have been trained on either file.
    """
    settings = load_settings(config)
    if fit is not None and fit.exists() and file.exists() and fit.samefile(file):
        raise SettingsError("--fit must be another file than the one that is measured")
    if keep and fit is None:
        raise SettingsError("--keep needs --fit, the file to fit on")
    items = read_items(file, settings.questions)[:limit]
    fit_items = read_items(fit, settings.questions)[:fit_limit] if fit is not None else []
    quick_path = model_file(small or settings.decide.cascade or "starter-xs", settings)
    path, digest = (model_file(model, settings), None) if model else champion_gguf(settings)
    found: dict[str, Any] = {"small": quick_path.name, "large": path.name, "threads": settings.decide.threads}
    with ExitStack() as stack:
        quick = stack.enter_context(closing(open_decider(quick_path, settings.questions, settings.decide.of_small)))
        slow = stack.enter_context(closing(open_decider(path, settings.questions, settings.decide, digest)))
        tokens = settings.decide.of_small.max_prompt_tokens
        pair = pair_of(quick.revision, slow.revision, quick.calibration, settings.questions, tokens)
        found["small_max_prompt_tokens"] = tokens
        place, tried = fit_place(settings.data_dir, pair), []
        if fit_items:
            ours, theirs = (decide_all(each, [item.burst for item in fit_items]) for each in (quick, slow))
            tried = levels(fit_items, settings.questions, ours, theirs)
            agreement = agreement or loosest(tried, loss)
            bars: Bars = fit_bars(settings.questions, ours, theirs, agreement)
            if keep:
                write_fit(place, pair, bars, agreement)
        else:
            bars = _serving(read_fit([place, shipped_place(quick_path)], pair), settings)
        found |= {"agreement": agreement, "tried": [asdict(level) for level in tried]}
        found["bars"] = {question: asdict(bar) for question, bar in bars.items()}
        with Progress(console=Console(stderr=True), transient=True, disable=as_json) as progress:
            bar = progress.add_task("deciding", total=rounds * -(-len(items) // BATCH))
            found |= measure(
                items, settings.questions, quick, slow, bars, rounds=rounds, advance=lambda: progress.advance(bar)
            )
        found["small_share_of_large_bytes"] = quick_path.stat().st_size / path.stat().st_size
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        _show(found)


def _serving(kept: Bars | None, settings: Settings) -> Bars:
    if settings.decide.cascade_at is not None:
        return even_bars(settings.questions, settings.decide.cascade_at)
    if kept is None:
        raise SettingsError("no fit is kept for these two models; give --fit, or cascade_at in config.toml")
    return kept


def _show(found: Mapping[str, Any]) -> None:
    table = Table(title=f"{found['small']} before {found['large']}, {found['bursts']} bursts", show_header=False)
    speeds = found["bursts_per_second"]
    table.add_row("bursts per second", ", ".join(f"{name} {speed:.1f}" for name, speed in speeds.items()))
    table.add_row("times as fast as the large one", f"{found['times_as_fast']:.2f}")
    table.add_row("settled by the small one", f"{found['settled']:.1%}")
    table.add_row("the same at natural rates", f"{found['settled_at_natural_rates']:.1%}")
    for question, figures in found["questions"].items():
        for metric in ("f1", "macro_f1") if figures["n"] else ():
            low, high = figures["gain_interval_95"][metric]
            arms = ", ".join(f"{name} {figures[name][metric]:.3f}" for name in speeds)
            gain = f"{figures['gain'][metric]:+.3f} [{low:+.3f}, {high:+.3f}]"
            table.add_row(f"{metric} of {question} (n {figures['n']})", f"{arms}; gain {gain}")
    Console().print(table)
    if found["tried"]:
        fitted = Table("agreement", "settled", "worst loss", title="on the fitted file, halves against each other")
        for level in found["tried"]:
            mark = " <- taken" if level["agreement"] == found["agreement"] else ""
            fitted.add_row(f"{level['agreement']:.3f}{mark}", f"{level['settled']:.1%}", f"{level['loss']:+.3f}")
        Console().print(fitted)

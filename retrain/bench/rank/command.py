"""The command ``bench lowrank``: full fine-tuning beside LoRA, and which rank the data ask for."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from models.labelled import read_items
from models.settings import load_settings
from retrain.bench.rank.figure import draw_study
from retrain.bench.rank.study import Found, Scores, Study, investigate, mean
from retrain.cycle import thinned
from retrain.ladder import Advance, Course
from retrain.priority import step_back
from retrain.spectrum import asked_for, mean_share, rank_for, share

MOST = 0.9
"""The share of the energy that is asked for where a rank is named."""
SLACK = 0.01
"""Macro-F1 that a rank may lose against all weights and still be said to do; seeds differ by as much."""


@click.command("lowrank")
@click.argument("train", type=click.Path(path_type=Path))
@click.argument("held", type=click.Path(path_type=Path))
@click.option("--rung", "rungs", multiple=True, default=("starter-base-xs", "starter-base-s", "starter-base-m"))
@click.option("--rank", "ranks", multiple=True, type=click.IntRange(min=1), default=(1, 2, 4, 8, 16, 32, 64))
@click.option("--lora-rank", "lora_ranks", multiple=True, type=click.IntRange(min=1), default=(2, 8, 32))
@click.option(
    "--items", default=0, show_default=True, help="Rows of TRAIN; 0: all. A few hundred teach next to nothing."
)
@click.option("--held-items", default=500, show_default=True, help="Rows of HELD; 0: all.")
@click.option("--tokens", default=200, show_default=True, help="Longest prompt; the burst decides nearly everything.")
@click.option("--epochs", default=2, show_default=True)
@click.option("--seeds", type=click.IntRange(min=1), default=2, show_default=True)
@click.option("--full-rate", default=1e-3, show_default=True, help="Peak rate of AdamW on the weights themselves.")
@click.option("--figure", type=click.Path(path_type=Path), help="Draw the study into this PNG.")
@click.option("--work", type=click.Path(path_type=Path), default=Path("var/lowrank"), show_default=True)
@click.option("--config", type=click.Path(path_type=Path), default=Path("config.toml"), show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print figures as JSON.")
def lowrank(
    train: Path,
    held: Path,
    rungs: Sequence[str],
    ranks: Sequence[int],
    lora_ranks: Sequence[int],
    items: int,
    held_items: int,
    tokens: int,
    epochs: int,
    seeds: int,
    full_rate: float,
    figure: Path | None,
    work: Path,
    config: Path,
    *,
    as_json: bool,
) -> None:
    """Is what fine-tuning does low-rank? Train on TRAIN, score on HELD, which should be other rooms.

    On every RUNG all matrices are trained, then their change is cut to a rank; beside it LoRA of that rank, by [train]
    of config.toml. A study that was stopped goes on where it was.
    """
    settings = load_settings(config)
    step_back(settings.train)
    course = Course(
        questions=settings.questions,
        train=settings.train.model_copy(update={"epochs": epochs}),
        budget=tokens,
        work=work,
        stage=_stage,
    )
    study = Study(
        train=thinned(read_items(train, settings.questions), items),
        held=thinned(read_items(held, settings.questions), held_items),
        course=course,
        ranks=tuple(sorted(ranks)),
        lora_ranks=tuple(sorted(lora_ranks)),
        full_rate=full_rate,
    )
    found = [investigate(study, rung, seed) for rung in rungs for seed in range(seeds)]
    if figure is not None:
        draw_study(found, figure)
    if as_json:
        click.echo(json.dumps([_body([one for one in found if one.rung == rung]) for rung in rungs], indent=2))
        return
    for rung in rungs:
        _show([one for one in found if one.rung == rung])


@contextmanager
def _stage(title: str) -> Iterator[Advance]:
    click.echo(title, err=True)
    yield lambda _done, _total, _loss: None


def summary(found: Sequence[Found]) -> str:
    """One plain sentence about a rung, over its seeds."""
    spectra = [s for one in found for s in one.spectra]
    plain = int(np.median([rank_for(s.plain, MOST) for s in spectra]))
    felt = int(np.median([rank_for(s.felt, MOST) for s in spectra]))
    whole = float(np.mean([mean(one.full) for one in found]))
    cut = asked_for(over_seeds([one.cut for one in found]), whole, SLACK)
    lora = asked_for(over_seeds([one.lora for one in found]), whole, SLACK)
    told = f"from rank {cut} on the change that is cut" if cut else "at no rank tried the change that is cut"
    tuned = f"LoRA from rank {lora} on" if lora else "LoRA at no rank tried"
    return (
        f"{found[0].rung}: {MOST:.0%} of the change's energy takes rank {plain} of {len(spectra[0].plain)} in the "
        f"median layer, rank {felt} as the outputs feel it; {told} scores as all weights do (macro-F1 {whole:.3f}, "
        f"within {SLACK}), {tuned}"
    )


def over_seeds(tables: Sequence[Mapping[int, Scores]]) -> dict[int, float]:
    """Mean macro-F1 by rank over seeds and questions."""
    return {rank: float(np.mean([mean(table[rank]) for table in tables])) for rank in tables[0]}


def _body(found: Sequence[Found]) -> dict[str, object]:
    first = found[0]
    spectra = [s for one in found for s in one.spectra]
    ranks = sorted(first.cut)
    return {
        "rung": first.rung,
        "summary": summary(found),
        "seeds": len(found),
        "vanilla": {q: first.vanilla[q] for q in first.vanilla},
        "full": [dict(one.full) for one in found],
        "cut": {r: [dict(one.cut[r]) for one in found] for r in ranks},
        "lora": {r: [dict(one.lora[r]) for one in found] for r in sorted(first.lora)},
        "share_plain": {r: mean_share(spectra, r, felt=False) for r in ranks},
        "share_felt": {r: mean_share(spectra, r, felt=True) for r in ranks},
        "layers": [
            {
                "layer": s.layer,
                "outputs": s.outputs,
                "inputs": s.inputs,
                "singular_values": np.round(s.plain, 5).tolist(),
                "share_plain": {r: round(share(s.plain, r), 4) for r in ranks},
                "share_felt": {r: round(share(s.felt, r), 4) for r in ranks},
            }
            for s in first.spectra
        ],
    }


def _show(found: Sequence[Found]) -> None:
    ranks = sorted(found[0].cut)
    spectra = [s for one in found for s in one.spectra]
    table = Table(title=f"{found[0].rung}: {len(found)} seeds", show_lines=False)
    for column in ("rank", *map(str, ranks), "all weights", "vanilla"):
        table.add_column(column, justify="right", no_wrap=True)
    for name, felt in (("energy of the weights' change", False), ("... as outputs feel it", True)):
        table.add_row(name, *(f"{mean_share(spectra, r, felt=felt):.0%}" for r in ranks), "100%", "")
    for question in found[0].full:
        cut = [f"{np.mean([one.cut[r][question] for one in found]):.3f}" for r in ranks]
        whole = f"{np.mean([one.full[question] for one in found]):.3f}"
        table.add_row(f"{question}, change cut", *cut, whole, f"{found[0].vanilla[question]:.3f}")
        lora = [f"{np.mean([one.lora[r][question] for one in found]):.3f}" if r in found[0].lora else "" for r in ranks]
        table.add_row(f"{question}, LoRA", *lora, "", "")
    console = Console()
    console.print(table)
    for kind in dict.fromkeys(s.kind for s in spectra):
        mine = [s for s in spectra if s.kind == kind]
        told = ", ".join(f"{r}: {mean_share(mine, r, felt=False):.0%}" for r in ranks)
        console.print(f"  {kind}: energy within rank {told}", highlight=False)
    console.print(summary(found), highlight=False)

"""The command ``bench lowrank``: full fine-tuning beside LoRA, and which rank the data ask for."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from models.labelled import read_items
from models.settings import load_settings
from retrain.bench.rank.figure import draw_study
from retrain.bench.rank.study import Study, counted, investigate
from retrain.bench.rank.table import body, show
from retrain.cycle import thinned
from retrain.ladder import Course
from retrain.options import AS_JSON, CONFIG, kept_in
from retrain.priority import step_back
from retrain.stage import say, told


@click.command("lowrank")
@click.argument("train", type=click.Path(path_type=Path))
@click.argument("held", type=click.Path(path_type=Path))
@click.option(
    "--rung",
    "rungs",
    multiple=True,
    default=("starter-base-xs", "starter-base-s", "starter-base-m"),
    show_default=True,
    help="What is trained; may be given several times, as the two options below.",
)
@click.option(
    "--rank",
    "ranks",
    multiple=True,
    type=click.IntRange(min=1),
    default=(1, 2, 4, 8, 16, 32, 64),
    show_default=True,
    help="What the change of all weights is cut to.",
)
@click.option(
    "--lora-rank",
    "lora_ranks",
    multiple=True,
    type=click.IntRange(min=0),
    default=(2, 8, 32),
    show_default=True,
    help="0: no LoRA.",
)
@click.option(
    "--items", default=0, show_default=True, help="Rows of TRAIN; 0: all. A few hundred teach next to nothing."
)
@click.option("--held-items", default=500, show_default=True, help="Rows of HELD; 0: all.")
@click.option("--tokens", default=200, show_default=True, help="Longest prompt; the burst decides nearly everything.")
@click.option("--epochs", default=2, show_default=True)
@click.option("--seeds", type=click.IntRange(min=1), default=2, show_default=True)
@click.option("--full-rate", default=1e-3, show_default=True, help="Peak rate of AdamW on the weights themselves.")
@click.option("--figure", type=click.Path(path_type=Path), help="Draw the study into this PNG.")
@kept_in("var/lowrank", "What a stopped study goes on from.")
@CONFIG
@AS_JSON
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
    of config.toml. Rows count once, a rare yes twice, in training and in HELD. A rank is named only for questions that
    training all weights surely taught. A study that was stopped goes on where it was.
    """
    settings = load_settings(config)
    step_back(settings.train)
    course = replace(
        Course.of(settings, work, told(say)), train=settings.train.model_copy(update={"epochs": epochs}), budget=tokens
    )
    study = Study(
        train=thinned(read_items(train, settings.questions), items),
        held=counted(thinned(read_items(held, settings.questions), held_items), settings.questions),
        course=course,
        ranks=tuple(sorted(ranks)),
        lora_ranks=tuple(sorted(rank for rank in lora_ranks if rank)),
        full_rate=full_rate,
    )
    found = [investigate(study, rung, seed) for rung in rungs for seed in range(seeds)]
    if figure is not None:
        draw_study(found, figure)
    if as_json:
        click.echo(json.dumps([body([one for one in found if one.rung == rung]) for rung in rungs], indent=2))
        return
    for rung in rungs:
        show([one for one in found if one.rung == rung])

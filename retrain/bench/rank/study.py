"""Full fine-tuning beside LoRA at several ranks: what is learned, and how much of it a rank holds.

Every training leaves its figures in the work folder, so that a study that was stopped goes on.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.ids import QuestionId
from models.item import Item
from models.metrics import macro_f1
from models.question import Question
from models.settings import TrainSettings
from retrain.checkpoint import Checkpoint, load_base
from retrain.fit import Plan, fit, make_examples
from retrain.judged import judged, scored
from retrain.ladder import Course, read
from retrain.lora import fingerprint, train_adapter
from retrain.lowrank import second_moments
from retrain.spectrum import Change, Spectrum
from retrain.starter.choice import rare_twice

MEASURED = 256
"""Bursts over which the layers' inputs are measured."""
Scores = Mapping[QuestionId, float]
"""Macro-F1 by question on rows that were not trained on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """What one run of the command is about."""

    train: tuple[Item, ...]
    held: tuple[Item, ...]
    course: Course
    """Its settings are the adapters'; alpha follows the rank."""
    ranks: tuple[int, ...]
    lora_ranks: tuple[int, ...]
    full_rate: float
    """Peak rate of AdamW on the matrices themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One rung and seed: macro-F1 vanilla, fully tuned, with the change cut to a rank, and by LoRA of a rank."""

    rung: str
    seed: int
    vanilla: Scores
    full: Scores
    cut: Mapping[int, Scores]
    lora: Mapping[int, Scores]
    spectra: tuple[Spectrum, ...]


def investigate(study: Study, rung: str, seed: int) -> Found:
    """Train and score everything for one rung and seed, or read what was found before."""
    whole = _kept(study, rung, seed, "full", partial(_full, study, rung, seed))
    lora = {
        rank: _kept(study, rung, seed, f"lora-{rank}", partial(_lora, study, rung, seed, rank))
        for rank in study.lora_ranks
    }
    return Found(
        rung=rung,
        seed=seed,
        vanilla=whole["vanilla"],
        full=whole["full"],
        cut={int(rank): scores for rank, scores in whole["cut"].items()},
        lora={rank: body["lora"] for rank, body in lora.items()},
        spectra=tuple(
            Spectrum(
                layer=row["layer"],
                outputs=row["outputs"],
                inputs=row["inputs"],
                plain=np.array(row["plain"]),
                felt=np.array(row["felt"]),
            )
            for row in whole["spectra"]
        ),
    )


def mean(scores: Scores) -> float:
    """One figure for all questions."""
    return float(np.mean(list(scores.values())))


def _full(study: Study, rung: str, seed: int, place: Path) -> dict[str, Any]:
    course, train = study.course, study.course.train
    checkpoint = load_base(rung)
    vanilla = _score(study, checkpoint, f"{rung}: read vanilla")
    names = _matrices(checkpoint)
    before = {name: weight.detach().clone() for name, weight in names.items()}
    for parameter in checkpoint.model.parameters():
        parameter.requires_grad = False
    for weight in names.values():
        weight.requires_grad = True
    examples = make_examples(rare_twice(study.train, course.questions), course.questions, checkpoint, course.budget)
    plan = Plan(
        epochs=train.epochs,
        batch=train.batch,
        warmup_steps=train.warmup_steps,
        seed=seed,
        examples=fingerprint(rung, study.train, course.questions, train, course.budget),
    )
    optimizer = torch.optim.AdamW(names.values(), lr=study.full_rate, weight_decay=0.0)
    with course.stage(f"{rung}, seed {seed}: train all weights") as advance:
        fit(checkpoint, examples, course.questions, plan, optimizer, place, advance)
    full = _score(study, checkpoint, f"{rung}, seed {seed}: read")
    moments = second_moments(checkpoint, [example.prompt for example in examples[:MEASURED]])
    change = Change(before, {name: weight.detach() for name, weight in names.items()}, moments)
    cut = {}
    for rank in study.ranks:
        with torch.no_grad():
            for name, weight in change.cut(rank).items():
                names[name].copy_(weight)
        cut[rank] = _score(study, checkpoint, f"{rung}, seed {seed}: read, cut to rank {rank}")
    spectra = [
        {"layer": s.layer, "outputs": s.outputs, "inputs": s.inputs, "plain": s.plain.tolist(), "felt": s.felt.tolist()}
        for s in change.spectra
    ]
    return {"vanilla": vanilla, "full": full, "cut": cut, "spectra": spectra}


def _lora(study: Study, rung: str, seed: int, rank: int, place: Path) -> dict[str, Any]:
    course = study.course
    settings = of_rank(course.train, rank, seed)
    with course.stage(f"{rung}, seed {seed}: train LoRA of rank {rank}") as advance:
        adapter = train_adapter(
            rung,
            rare_twice(study.train, course.questions),
            course.questions,
            settings,
            out=place / "adapter",
            work=place / "state",
            budget=course.budget,
            progress=advance,
        )
    checkpoint = load_base(rung, adapter=adapter)
    return {"lora": _score(study, checkpoint, f"{rung}, seed {seed}: read, LoRA of rank {rank}")}


def of_rank(train: TrainSettings, rank: int, seed: int) -> TrainSettings:
    """The settings at another rank: alpha goes with it, so that the adapter's scale is the same."""
    alpha = max(1, round(train.alpha * rank / train.rank))
    return train.model_copy(update={"rank": rank, "alpha": alpha, "seed": seed})


def _matrices(checkpoint: Checkpoint) -> dict[str, Tensor]:
    """The weights that LoRA would stand beside, by the layer's name."""
    head = checkpoint.causal.get_output_embeddings()  # type: ignore[no-untyped-call]  # transformers leaves it without types
    return {
        name: layer.weight
        for name, layer in checkpoint.causal.named_modules()
        if isinstance(layer, torch.nn.Linear) and layer is not head
    }


def _score(study: Study, checkpoint: Checkpoint, title: str) -> dict[QuestionId, float]:
    with study.course.stage(title) as advance:
        readings = read(checkpoint, study.held, study.course, advance)
    return {q.id: _macro(q, study.held, readings[q.id]) for q in study.course.questions}


def _macro(question: Question, items: Sequence[Item], scores: Mapping[Any, Sequence[float]]) -> float:
    return macro_f1(scored(judged(question, items, scores)))


def _kept(study: Study, rung: str, seed: int, name: str, make: Callable[[Path], dict[str, Any]]) -> dict[str, Any]:
    course = study.course
    told = fingerprint(rung, [*study.train, *study.held], course.questions, course.train, course.budget)
    place = course.work / f"{told}.{rung}.{seed}.{name}.{study.full_rate:g}"
    path = place / "found.json"
    if not path.exists():
        body = make(place)
        aside = path.with_suffix(".tmp")
        place.mkdir(parents=True, exist_ok=True)
        aside.write_text(json.dumps(body), encoding="ascii")
        aside.replace(path)
    found: dict[str, Any] = json.loads(path.read_text(encoding="ascii"))
    return found

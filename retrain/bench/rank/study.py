"""Full fine-tuning beside LoRA at several ranks: what is learned, and how much of it a rank holds.

Every training leaves its figures in the work folder, so that a study that was stopped goes on.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.ids import QuestionId
from models.item import Item
from models.question import Question
from models.replacement import replacing
from models.settings import TrainSettings
from retrain.bench.rank.reading import Readings, of_body, of_rates, of_rows
from retrain.checkpoint import Checkpoint, load_base
from retrain.fit import Plan, fit, make_examples
from retrain.judged import judged
from retrain.ladder import Course, read
from retrain.lora import LOSSES, fingerprint, train_adapter
from retrain.lowrank import second_moments
from retrain.spectrum import Change, Spectrum
from retrain.starter.choice import rare_twice

MEASURED = 256
"""Bursts over which the layers' inputs are measured."""
LAST = 50
"""Steps over which the loss at the end of a training is averaged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """What one run of the command is about."""

    train: tuple[Item, ...]
    held: tuple[Item, ...]
    """Judged as often as ``counted`` says: as the rows of ``train`` are, whose rare yes counts twice."""
    course: Course
    """Its settings are the adapters'; alpha follows the rank."""
    ranks: tuple[int, ...]
    lora_ranks: tuple[int, ...]
    full_rate: float
    """Peak rate of AdamW on the matrices themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One rung and seed: readings vanilla, fully tuned, with the change cut to a rank, and by LoRA of a rank."""

    rung: str
    seed: int
    rates: Readings
    """What the answers' rates alone would say."""
    vanilla: Readings
    full: Readings
    cut: Mapping[int, Readings]
    lora: Mapping[int, Readings]
    loss: float
    """Of the last steps of training all weights, nats."""
    lora_loss: Mapping[int, float]
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
        rates=_rates(study),
        vanilla=_readings(whole["vanilla"]),
        full=_readings(whole["full"]),
        cut={int(rank): _readings(body) for rank, body in whole["cut"].items()},
        lora={rank: _readings(body["lora"]) for rank, body in lora.items()},
        loss=whole["loss"],
        lora_loss={rank: body["loss"] for rank, body in lora.items()},
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


def counted(items: Sequence[Item], questions: Sequence[Question]) -> tuple[Item, ...]:
    """Items with as much weight as training gives them: 2 for a rare yes (``rare_twice``), else 1."""
    times = Counter(item.burst.id for item in rare_twice(items, questions))
    return tuple(replace(item, weight=float(times[item.burst.id])) for item in items)


def _full(study: Study, rung: str, seed: int, place: Path) -> dict[str, Any]:
    course, train = study.course, study.course.train
    checkpoint = load_base(rung)
    vanilla = _score(study, checkpoint, f"{rung}: read vanilla", place / "vanilla.json")
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
        losses = fit(checkpoint, examples, course.questions, plan, optimizer, place, advance)
    full = _score(study, checkpoint, f"{rung}, seed {seed}: read", place / "full.json")
    moments = second_moments(checkpoint, [example.prompt for example in examples[:MEASURED]])
    change = Change(before, {name: weight.detach() for name, weight in names.items()}, moments)
    cut = {}
    for rank in study.ranks:
        with torch.no_grad():
            for name, weight in change.cut(rank).items():
                names[name].copy_(weight)
        told = f"{rung}, seed {seed}: read, cut to rank {rank}"
        cut[rank] = _score(study, checkpoint, told, place / f"cut-{rank}.json")
    spectra = [
        {"layer": s.layer, "outputs": s.outputs, "inputs": s.inputs, "plain": s.plain.tolist(), "felt": s.felt.tolist()}
        for s in change.spectra
    ]
    return {"vanilla": vanilla, "full": full, "cut": cut, "spectra": spectra, "loss": _end(losses)}


def _lora(study: Study, rung: str, seed: int, rank: int, place: Path) -> dict[str, Any]:
    course = study.course
    settings = of_rank(course.train, rank, seed)
    adapter = place / "adapter"
    if not adapter.exists():
        with course.stage(f"{rung}, seed {seed}: train LoRA of rank {rank}") as advance:
            train_adapter(
                rung,
                rare_twice(study.train, course.questions),
                course.questions,
                settings,
                out=adapter,
                work=place / "state",
                budget=course.budget,
                progress=advance,
            )
    checkpoint = load_base(rung, adapter=adapter)
    losses = json.loads((adapter / LOSSES).read_text(encoding="utf-8"))
    told = f"{rung}, seed {seed}: read, LoRA of rank {rank}"
    return {"lora": _score(study, checkpoint, told, place / "read.json"), "loss": _end(losses)}


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


def _score(study: Study, checkpoint: Checkpoint, title: str, path: Path) -> dict[str, Any]:
    def make() -> dict[str, Any]:
        with study.course.stage(title) as advance:
            readings = read(checkpoint, study.held, study.course, advance)
        return {q.id: of_rows(judged(q, study.held, readings[q.id])).body() for q in _asked(study)}

    return _made(path, make)


def _asked(study: Study) -> list[Question]:
    return [q for q in study.course.questions if any(q.id in item.answers for item in study.held)]


def _rates(study: Study) -> Readings:
    found = {}
    for question in _asked(study):
        nothing = {item.burst.id: [0.0] * len(question.options) for item in study.held}
        found[question.id] = of_rates(judged(question, study.held, nothing))
    return found


def _readings(bodies: Mapping[str, Any]) -> Readings:
    return {QuestionId(question): of_body(body) for question, body in bodies.items()}


def _end(losses: Sequence[float]) -> float:
    return float(np.mean(losses[-LAST:]))


def _kept(study: Study, rung: str, seed: int, name: str, make: Callable[[Path], dict[str, Any]]) -> dict[str, Any]:
    course = study.course
    told = fingerprint(rung, [*study.train, *study.held], course.questions, course.train, course.budget)
    rate = f".{study.full_rate:g}.{'-'.join(map(str, study.ranks))}" if name == "full" else ""
    place = course.work / f"{told}.{rung}.{seed}.{name}{rate}"
    return _made(place / "found.json", lambda: make(place))


def _made(path: Path, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What a file holds, made first if there is none; read back even then, so that a study gone on with is the same."""
    if not path.exists():
        body = make()
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as aside:
            aside.write_text(json.dumps(body), encoding="ascii")
    found: dict[str, Any] = json.loads(path.read_text(encoding="ascii"))
    return found

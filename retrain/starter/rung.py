"""One rung from random weights to base and adapter; a process of its own, so that two rungs use two cores."""

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from models.question import Question
from retrain.checkpoint import load_base
from retrain.lora import LOSSES, save_adapter
from retrain.starter.choice import sample, train_choice, train_gold
from retrain.starter.corpus import public_sets, taught_items
from retrain.starter.dev import dev_sets, judge
from retrain.starter.family import FAMILY, Shape
from retrain.starter.lessons import Pool, even, mixed, passes, thinned, whole
from retrain.starter.letters import learn_letters
from retrain.starter.pretrain import pretrain
from retrain.starter.unlabelled import read_taught

IDS = "chat.npy"
TAUGHT = "taught.jsonl"
"""Raw bursts with the teacher's views of them."""
PROGRESS = "progress.json"
RESULT = "result.json"
KEPT = "kept.json"
"""Share of what training changed in the layers' outputs that the adapter's rank keeps."""
STAGES = ("chat", "letters", "public", "gold", "dev")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a rung's process is told. ``scale`` is the share of the full budget, ``seed`` decides everything else."""

    shape: Shape
    data: Path
    work: Path
    seed: int
    scale: float
    device: str
    questions: tuple[Question, ...]

    @property
    def folder(self) -> Path:
        """The rung's own working folder."""
        return self.work / self.shape.name


class Reporter:
    """Writes a stage's progress to a file that the recipe watches, at most twice a second."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stage = STAGES[0]
        self._written = 0.0

    def __call__(self, step: int, steps: int, loss: float) -> None:
        """Report a step."""
        now = time.monotonic()
        if step < steps and now - self._written < 0.5:
            return
        self._written = now
        write_json(self.folder / PROGRESS, {"stage": self.stage, "step": step, "steps": steps, "loss": loss})


def train_rung(order: Order) -> None:
    """Run the five stages; each leaves its result in the rung's folder and is skipped when that is there."""
    if order.device == "cpu":
        torch.set_num_threads(1)
    folder = order.folder
    folder.mkdir(parents=True, exist_ok=True)
    report = Reporter(folder)
    _stage(order, report, "chat", folder / "chat", _chat)
    _stage(order, report, "letters", folder / "letters", _letters)
    _stage(order, report, "public", folder / "base", _public)
    _stage(order, report, "gold", folder / "adapter", _gold)
    _stage(order, report, "dev", folder / RESULT, _dev)


def _stage(order: Order, report: Reporter, name: str, made: Path, run: Callable[[Order, Path, Reporter], None]) -> None:
    if made.exists():
        return
    report.stage = name
    report(0, 1, 0.0)
    aside = made.with_name(f"{made.name}.aside")
    shutil.rmtree(aside, ignore_errors=True)
    started = time.process_time()
    run(order, aside, report)
    spent = {"stage": name, "cpu_s": round(time.process_time() - started, 1)}
    with (order.folder / "times.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(spent) + "\n")
    aside.replace(made)
    shutil.rmtree(order.folder / f"state-{name}", ignore_errors=True)


def _chat(order: Order, out: Path, report: Reporter) -> None:
    torch.manual_seed(order.seed)
    model: Any = AutoModelForCausalLM.from_config(  # type: ignore[no-untyped-call]  # transformers leaves it without types
        order.shape.config(), attn_implementation="sdpa"
    ).to(order.device)
    ids = np.load(order.work / IDS, mmap_mode="r")
    losses = pretrain(
        model,
        ids,
        tokens=int(order.shape.tokens * order.scale),
        learning_rate=order.shape.rate,
        seed=order.seed,
        work=order.folder / "state-chat",
        progress=report,
    )
    model.save_pretrained(str(out), safe_serialization=True)
    _tokenizer(order, out)
    write_json(out / LOSSES, [round(loss, 4) for loss in losses])


def _letters(order: Order, out: Path, report: Reporter) -> None:
    checkpoint = load_base(order.folder / "chat", device=order.device)
    losses = learn_letters(checkpoint, order.questions, rate=order.shape.rate, seed=order.seed, progress=report)
    checkpoint.causal.save_pretrained(str(out), safe_serialization=True)
    _tokenizer(order, out)
    write_json(out / LOSSES, [round(loss, 4) for loss in losses])


def _public(order: Order, out: Path, report: Reporter) -> None:
    checkpoint = load_base(order.folder / "letters", device=order.device)
    items = [
        i for found in public_sets(order.data, order.questions) for i in thinned(found, order.questions, order.seed)
    ]
    items = sample(items, _count(order, "public"), order.seed)
    losses = train_choice(
        checkpoint, items, order.questions, seed=order.seed, work=order.folder / "state-public", progress=report
    )
    model: Any = checkpoint.causal  # transformers decorates .to() in a way that hides its arguments
    model.to(torch.bfloat16).save_pretrained(str(out), safe_serialization=True)
    _tokenizer(order, out)
    write_json(out / LOSSES, [round(loss, 4) for loss in losses])


def _gold(order: Order, out: Path, report: Reporter) -> None:
    checkpoint = load_base(order.folder / "base", device=order.device)
    gold = taught_items(order.data, order.questions)
    bursts, views = read_taught(order.work / TAUGHT)
    pool = Pool(
        checkpoint=checkpoint,
        questions=order.questions,
        bursts=bursts,
        views=views,
        read=min(len(bursts), int(max(shape.soft for shape in FAMILY) * order.scale)),
        public=public_sets(order.data, order.questions),
        gold=gold,
        seed=order.seed,
        scale=order.scale,
    )
    closing = [mixed(pool, _count(order, "mixed"))]
    if order.shape.even:
        closing.append(even(pool, _count(order, "even")))
    losses, kept = train_gold(
        checkpoint,
        passes(pool, _count(order, "soft"), order.shape.passes),
        sample(gold, _count(order, "gold") if order.shape.gold else 0, order.seed),
        closing,
        whole(pool, order.shape.whole) if order.shape.whole else [],
        order.questions,
        rank=order.shape.rank,
        seed=order.seed,
        work=order.folder / "state-gold",
        progress=report,
    )
    for parameter in checkpoint.model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.to(torch.bfloat16)
    save_adapter(checkpoint, f"starter-{order.shape.name}", out, losses)
    write_json(order.folder / KEPT, round(kept, 4))


def _dev(order: Order, out: Path, report: Reporter) -> None:
    figures: dict[str, dict[str, list[dict[str, float | int | str]]]] = {}
    sets = dev_sets(order.data, order.questions)
    for step, adapter in (("base", None), ("starter", order.folder / "adapter")):
        checkpoint = load_base(order.folder / "base", device=order.device, adapter=adapter)
        figures[step] = {}
        for name, items in sets.items():
            figures[step][name] = [f.as_dict() for f in judge(checkpoint, items, order.questions)]
    report(1, 1, 0.0)
    weights = load_file(order.folder / "base" / "model.safetensors")
    count = sum(w.numel() for w in weights.values())
    write_json(
        out,
        {
            "shape": asdict(order.shape),
            "parameters": count,
            "kept": json.loads((order.folder / KEPT).read_text(encoding="utf-8")),
            "dev": figures,
        },
    )


def _count(order: Order, stage: str) -> int:
    shape = order.shape
    full = {"public": shape.public, "soft": shape.soft, "gold": shape.gold, "mixed": shape.mixed, "even": shape.even}[
        stage
    ]
    return max(64, int(full * order.scale))


def _tokenizer(order: Order, folder: Path) -> None:
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(order.work / "tokenizer" / name, folder / name)


def write_json(path: Path, value: object) -> None:
    """Write JSON aside, then put it in place."""
    aside = path.with_name(f"{path.name}.aside")
    aside.write_text(json.dumps(value, ensure_ascii=False, indent=1), encoding="utf-8")
    aside.replace(path)

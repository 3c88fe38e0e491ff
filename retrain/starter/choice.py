"""Single-choice training: all weights on the public sets (step one), an adapter on gold (step two)."""

import random
from collections.abc import Sequence
from pathlib import Path

import torch

from models.item import Item
from models.question import Question
from models.settings import TrainSettings
from retrain.checkpoint import Checkpoint
from retrain.fit import Example, Plan, Progress, fit, make_examples
from retrain.lora import add_adapter, plus_optimizer
from retrain.starter.pretrain import make_optimizers

BUDGETS = (170, 230, 330)
"""Longest prompts in tokens; short windows cost a third of long ones, and rotary positions carry over to 420."""
CHOICE_RATE = 2e-3
"""Muon's peak rate on the public sets: it leaves chance in half the steps that AdamW takes."""
ADAPTER = TrainSettings(
    rank=32, alpha=64, dropout=0.0, learning_rate=1e-3, plus_ratio=4.0, epochs=2, batch=16, warmup_steps=20
)
"""Widths of 64 to 192 need far larger steps than the models that LoRA's usual 2e-4 was found on; dropout would take
a fifth of the time and two epochs do not overfit."""


def examples(items: Sequence[Item], questions: Sequence[Question], checkpoint: Checkpoint, seed: int) -> list[Example]:
    """Encode items, each with a prompt length drawn from BUDGETS."""
    rng = random.Random(seed)  # noqa: S311 - which windows are cut short, not secrets
    return [make_examples([item], questions, checkpoint, rng.choice(BUDGETS))[0] for item in items]


def train_choice(
    checkpoint: Checkpoint,
    items: Sequence[Item],
    questions: Sequence[Question],
    *,
    seed: int,
    work: Path,
    progress: Progress,
) -> list[float]:
    """Train all weights on the public sets, once through; returns the losses."""
    plan = Plan(epochs=1, batch=16, warmup_steps=40, seed=seed, orders=2, examples=f"choice/{len(items)}")
    optimizer = make_optimizers(checkpoint.causal, CHOICE_RATE)
    return fit(checkpoint, examples(items, questions, checkpoint, seed), questions, plan, optimizer, work, progress)


def train_gold(
    checkpoint: Checkpoint,
    items: Sequence[Item],
    questions: Sequence[Question],
    *,
    seed: int,
    work: Path,
    progress: Progress,
) -> list[float]:
    """Put an adapter on a base and train it on the gold items; returns the losses."""
    settings = ADAPTER.model_copy(update={"seed": seed})
    torch.manual_seed(seed)
    made = examples(items, questions, checkpoint, seed)
    adapted = add_adapter(checkpoint, settings)
    plan = Plan(
        epochs=settings.epochs,
        batch=settings.batch,
        warmup_steps=settings.warmup_steps,
        seed=seed,
        orders=1,
        examples=f"gold/{len(items)}",
    )
    return fit(checkpoint, made, questions, plan, plus_optimizer(adapted, settings), work, progress)


def sample(items: Sequence[Item], count: int, seed: int) -> list[Item]:
    """Draw ``count`` items (or all) in a seeded order."""
    order = random.Random(seed).sample(range(len(items)), len(items))  # noqa: S311 - sampling, not secrets
    return [items[i] for i in order[:count]]


def balanced(items: Sequence[Item], question: Question, seed: int, ratio: float = 1.5) -> list[Item]:
    """Thin what a set has too much of: at most ``ratio`` items of one answer for every item of the other.

    The public sets have four statements for every question; a base that learned this says no to nearly everything.
    """
    positive = [i for i in items if i.answers[question.id] == question.positive]
    negative = [i for i in items if i.answers[question.id] != question.positive]
    limit = int(ratio * min(len(positive), len(negative)))
    return [*sample(positive, limit, seed), *sample(negative, limit, seed)]

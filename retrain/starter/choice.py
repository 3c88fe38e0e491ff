"""Single-choice training: all weights on the public sets (step one), an adapter on gold (step two)."""

import random
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from models.chat import Burst
from models.item import Item
from models.metrics import Floats
from models.prompt import render
from models.question import Question
from models.settings import TrainSettings
from models.tokens import encode
from retrain.checkpoint import Checkpoint
from retrain.fit import Example, Plan, Progress, fit, make_examples
from retrain.lowrank import extract_adapter, second_moments
from retrain.starter.pretrain import make_optimizers, matrix_optimizer

BUDGETS = (170, 230, 330)
"""Longest prompts in tokens; short windows cost a third of long ones, and rotary positions carry over to 420."""
SOFT_BUDGETS = (128, 140, 170)
GOLD_BUDGETS = (130, 150, 200)
"""Shorter still: the burst decides nearly everything, and another epoch is worth more than the window's beginning."""
CHOICE_RATE = 2e-3
"""Muon's peak rate on the public sets: it leaves chance in half the steps that AdamW takes."""
SOFT_RATES = (2.5e-3, 1.6e-3)
"""Peak rates of the passes over the teacher's views: each is a warm restart with windows cut anew."""
GOLD_RATE = 1.2e-3
CLOSING_RATES = (1.6e-3, 1e-3)
"""Peak rates of the closing lessons: views, public sets and gold together, so that none is forgotten for another."""
LAST_RATE = 2e-3
"""Peak rate of the last lesson, which has every view once more."""
BATCH = 32
"""Muon's step costs as much as sixteen examples where the processor has no BF16 arithmetic."""
GOLD_EPOCHS = 2
ADAPTER = TrainSettings(
    rank=64, alpha=64, dropout=0.0, learning_rate=GOLD_RATE, plus_ratio=1.0, epochs=GOLD_EPOCHS, batch=BATCH
)
"""How the adapter is described; its rank is the rung's. The learning rates are Muon's."""
MEASURED = 896
"""Bursts of the mixed lesson, drawn, over which the layers' inputs are measured before a cut to the adapter's rank."""
LIKELY = 0.35
"""A question that comes after another is taught only where the teacher gives the other's answer at least this much."""


def examples(
    items: Sequence[Item], questions: Sequence[Question], checkpoint: Checkpoint, budgets: Sequence[int], seed: int
) -> list[Example]:
    """Encode items, each with a prompt length drawn from ``budgets``."""
    rng = random.Random(seed)  # noqa: S311 - which windows are cut short, not secrets
    return [make_examples([item], questions, checkpoint, rng.choice(budgets))[0] for item in items]


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
    made = examples(items, questions, checkpoint, BUDGETS, seed)
    return fit(checkpoint, made, questions, plan, optimizer, work, progress)


def soft_examples(
    bursts: Sequence[Burst], views: Floats, questions: Sequence[Question], checkpoint: Checkpoint, seed: int
) -> list[Example]:
    """Encode unlabelled bursts with the teacher's ``views``: [bursts, questions] probability of the positive answer."""
    rng = random.Random(seed)  # noqa: S311 - which windows are cut short, not secrets
    found = []
    for burst, row in zip(bursts, views, strict=True):
        held = {q.id: float(p) for q, p in zip(questions, row, strict=True)}
        targets = {q.id: spread(q, held[q.id]) for q in questions if all(held[a] >= LIKELY for a in q.after)}
        prompt = encode(render(burst, questions, questions), checkpoint.tokenizer, rng.choice(SOFT_BUDGETS))
        found.append(Example(prompt=prompt, targets=targets))
    return found


def spread(question: Question, positive: float) -> tuple[float, ...]:
    """A probability of the positive answer as a distribution over the options; the first negative one has the rest."""
    shares = {question.positive: positive, question.negatives[0]: 1.0 - positive}
    return tuple(shares.get(option.id, 0.0) for option in question.options)


def train_gold(
    checkpoint: Checkpoint,
    soft: Sequence[Sequence[Example]],
    items: Sequence[Item],
    closing: Sequence[Sequence[Example]],
    last: Sequence[Example],
    questions: Sequence[Question],
    *,
    rank: int,
    seed: int,
    work: Path,
    progress: Progress,
) -> tuple[list[float], float]:
    """Train the linear layers on views, on gold, on all together; put the change on the base as an adapter.

    ``soft`` has a lesson for every pass over the views; a rung without ``items`` goes on to ``closing`` at once.
    Training an adapter from zero with AdamW left the larger rungs behind the smaller ones (docs/experiments.md); Muon
    on the matrices themselves, then the best adapter of the change, does not. Returns the losses, and the share of the
    change in the layers' outputs that the adapter keeps. The weights after each closing lesson are averaged: what one
    lesson takes from another's figures, their mean keeps. From there ``last`` goes on, where a rung has it.
    """
    gold = examples(rare_twice(items, questions), questions, checkpoint, GOLD_BUDGETS, seed)
    before = {name: weight.detach().clone() for name, weight in checkpoint.causal.state_dict().items()}
    for name, parameter in checkpoint.causal.named_parameters():
        parameter.requires_grad = parameter.dim() == 2 and "embed" not in name
    parts = [(f"soft{n}", lesson, 1, rate) for n, (lesson, rate) in enumerate(zip(soft, SOFT_RATES, strict=False))]
    if gold:
        parts.append(("gold", gold, GOLD_EPOCHS, GOLD_RATE))
    parts += [
        (f"closing{n}", list(lesson), 1, rate)
        for n, (lesson, rate) in enumerate(zip(closing, CLOSING_RATES, strict=False))
    ]
    losses: list[float] = []
    ends: list[dict[str, Tensor]] = []
    for number, (name, lesson, epochs, rate) in enumerate(parts):
        plan = Plan(
            epochs=epochs,
            batch=BATCH,
            warmup_steps=30,
            seed=seed + number if lesson is not gold else seed,
            orders=1,
            examples=f"{name}/{len(lesson)}/{rate}",
        )
        optimizer = matrix_optimizer(checkpoint.causal, rate)
        losses += fit(checkpoint, lesson, questions, plan, optimizer, work / name, progress)
        ends.append({name: weight.detach().clone() for name, weight in checkpoint.causal.state_dict().items()})
    tuned = _mean(ends[-max(1, len(closing)) :])
    if last:
        checkpoint.causal.load_state_dict(tuned)
        plan = Plan(
            epochs=1,
            batch=BATCH,
            warmup_steps=60,
            seed=seed + len(parts),
            orders=1,
            examples=f"last/{len(last)}/{LAST_RATE}",
        )
        optimizer = matrix_optimizer(checkpoint.causal, LAST_RATE)
        losses += fit(checkpoint, last, questions, plan, optimizer, work / "last", progress)
        tuned = {name: weight.detach().clone() for name, weight in checkpoint.causal.state_dict().items()}
    all_kinds = [*closing, *soft][0]
    drawn = random.Random(seed).sample(all_kinds, min(MEASURED, len(all_kinds)))  # noqa: S311 - sampling, not secrets
    moments = second_moments(checkpoint, [example.prompt for example in drawn])
    checkpoint.causal.load_state_dict(before)
    settings = ADAPTER.model_copy(update={"seed": seed, "rank": rank, "alpha": rank})
    _, kept = extract_adapter(checkpoint, tuned, settings, moments)
    return losses, kept


def _mean(weights: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    return {name: torch.stack([w[name] for w in weights]).mean(0) for name in weights[0]}


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


def rare_twice(items: Sequence[Item], questions: Sequence[Question]) -> list[Item]:
    """Repeat the items with a positive answer that is less than half as frequent as its opposite.

    Without this the rungs rank needs_context no worse, but say yes to next to nothing.
    """
    rare = []
    for question in questions:
        answers = [item.answers.get(question.id) for item in items]
        negative = sum(answer in question.negatives for answer in answers)
        if 0 < 2 * answers.count(question.positive) < negative:
            rare.append(question)
    found: list[Item] = []
    for item in items:
        found += [item] * (2 if any(item.answers.get(q.id) == q.positive for q in rare) else 1)
    return found

"""Learning what letters are for, before any question is asked in earnest.

To answer with a letter a model must find the right option in the list and copy the letter before it. Small models
take hundreds of steps to find that out, and on noisy labels they stay at chance. Here the last message names the
option itself, so that only the finding and the copying are left to learn.
"""

import random
from collections.abc import Iterator, Sequence

import torch

from models.prompt import Segment, branch
from models.question import Question
from models.tokens import EncodedPrompt, encode_branch, join
from retrain.batch import collate
from retrain.checkpoint import Checkpoint
from retrain.fit import Progress
from retrain.score import autocast, letter_logits
from retrain.starter.pretrain import make_optimizers

RATE = 0.4
"""The learning rate over the one of language modelling."""
ROWS = 16
"""Prompts in a batch, each with two branches of about 35 tokens."""
LEARNED = 0.05
"""The loss (nats, mean of the last 50 steps) at which the lesson is over."""
MAX_STEPS = 600
_OPENING = (Segment("<|im_start|>", special=True), Segment("user\n"))


def learn_letters(
    checkpoint: Checkpoint, questions: Sequence[Question], *, rate: float, seed: int, progress: Progress
) -> list[float]:
    """Train all weights until letters are understood, or for MAX_STEPS; returns the losses.

    With Muon the lesson takes 150 to 250 steps at every size; with AdamW the smallest rung had not begun after 800.
    """
    optimizers = make_optimizers(checkpoint.causal, rate * RATE)
    losses: list[float] = []
    checkpoint.model.train()
    for prompts, targets in _lessons(checkpoint, questions, random.Random(seed)):  # noqa: S311 - lessons, not secrets
        optimizers.set_rate(min(1.0, (len(losses) + 1) / 30))
        with autocast(checkpoint.device):
            logits = letter_logits(checkpoint.causal, collate(prompts).to(checkpoint.device))
        loss = torch.nn.functional.cross_entropy(logits, torch.tensor(targets, device=checkpoint.device))
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves backward without types
        torch.nn.utils.clip_grad_norm_(checkpoint.model.parameters(), 1.0)
        optimizers.step()
        losses.append(loss.item())
        progress(len(losses), MAX_STEPS, losses[-1])
        if len(losses) == MAX_STEPS or (len(losses) > 50 and sum(losses[-50:]) / 50 < LEARNED):
            break
    checkpoint.model.eval()
    return losses


def _lessons(
    checkpoint: Checkpoint, questions: Sequence[Question], rng: random.Random
) -> Iterator[tuple[list[EncodedPrompt], list[int]]]:
    opening = join(_OPENING, checkpoint.tokenizer)
    while True:
        prompts, targets = [], []
        for _ in range(ROWS):
            question = rng.choice(questions)
            said = rng.randrange(len(question.options))
            line = Segment(f">>> S: {question.options[said].wording}\n")
            orders = [tuple(rng.sample(range(len(question.options)), len(question.options))) for _ in range(2)]
            branches = tuple(encode_branch(branch(question, order), checkpoint.tokenizer) for order in orders)
            targets += [order.index(said) for order in orders]
            prompts.append(EncodedPrompt(preamble=opening, chat=join((line,), checkpoint.tokenizer), branches=branches))
        yield prompts, targets

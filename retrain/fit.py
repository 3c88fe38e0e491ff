"""The training loop: cross-entropy over the option letters at the answers, resumable and the same for a seed."""

import math
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from models.errors import ExportError, TrainingError
from models.ids import OptionId, QuestionId
from models.item import Item
from models.prompt import branch, render
from models.question import Question
from models.replacement import replacing
from models.tokens import EncodedBranch, EncodedPrompt, encode, encode_branch
from retrain.batch import collate, grouped, row_length
from retrain.checkpoint import Checkpoint
from retrain.score import autocast, letter_logits

Progress = Callable[[int, int, float], None]
"""Called after every step with steps done, steps in all, and the step's loss (nats)."""
STATE = "state.pt"


class Stepper(Protocol):
    """What the loop needs of an optimizer; any of torch's is one, and so is several in one."""

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """Groups of weights with their learning rates."""
        ...

    def step(self) -> Any:
        """Move the weights."""
        ...

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run needs."""
        ...

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from there."""
        ...


SAVE_AFTER_S = 30.0
"""The state is written at most this often: what a kill can cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """An encoded burst with what is to be learned about it; its branches are drawn anew in every epoch.

    ``targets`` maps each question with an answer to a distribution over its options, in their order: all on one for a
    label, spread for a teacher's view.
    """

    prompt: EncodedPrompt
    targets: Mapping[QuestionId, tuple[float, ...]]
    weight: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to train. ``orders`` option orders are drawn per question, example and epoch.

    ``examples`` names what is trained on (a hash): a state saved for others is not resumed.
    """

    epochs: int
    batch: int
    warmup_steps: int
    seed: int
    orders: int = 1
    weighted: bool = False
    clip: float = 1.0
    examples: str = ""


def make_examples(
    items: Sequence[Item], questions: Sequence[Question], checkpoint: Checkpoint, budget: int
) -> list[Example]:
    """Encode items for training; ``budget`` is the longest path through a prompt, in tokens."""
    by_id = {q.id: q for q in questions}
    return [
        Example(
            prompt=encode(render(item.burst, questions, questions), checkpoint.tokenizer, budget),
            targets={q: one_hot(by_id[q], o) for q, o in item.answers.items() if q in by_id},
            weight=item.weight,
        )
        for item in items
    ]


def one_hot(question: Question, option: OptionId) -> tuple[float, ...]:
    """A label as a distribution over the question's options."""
    right = question.index(option)
    return tuple(float(place == right) for place in range(len(question.options)))


def fit(
    checkpoint: Checkpoint,
    examples: Sequence[Example],
    questions: Sequence[Question],
    plan: Plan,
    optimizer: Stepper,
    work: Path,
    progress: Progress | None = None,
) -> list[float]:
    """Train what has gradients; returns the loss of every step.

    The learning rates of ``optimizer`` are peaks: they rise over the warm-up and fall along a cosine. The
    state is written to ``work`` now and then, and a run that was killed goes on from there with the same result. Raises
    TrainingError where there is nothing to train on or the loss is not a number, ExportError on a full disk.
    """
    if not examples:
        raise TrainingError("there are no labelled items to train on; collect labels first")
    peaks = [float(group["lr"]) for group in optimizer.param_groups]
    per_epoch = math.ceil(len(examples) / plan.batch)
    steps = per_epoch * plan.epochs
    weights = [p for p in checkpoint.model.parameters() if p.requires_grad]
    losses = _resume(work, plan, weights, optimizer, checkpoint.device)
    encoded = _branches(checkpoint, questions)
    checkpoint.model.train()
    saved = time.monotonic()
    order: list[list[int]] = []
    while len(losses) < steps:
        step = len(losses)
        epoch, place = divmod(step, per_epoch)
        for group, peak in zip(optimizer.param_groups, peaks, strict=True):
            group["lr"] = peak * schedule(step, steps, plan.warmup_steps)
        if place == 0 or not order:
            order = batches(examples, plan, epoch)
        torch.manual_seed(plan.seed * 1_000_003 + step)  # dropout must not depend on where a run was resumed
        with within_memory(plan.batch):
            loss = _loss(checkpoint, [examples[i] for i in order[place]], plan, step, encoded)
            if not math.isfinite(loss.item()):
                raise TrainingError(f"the loss became {loss.item()} at step {step}; lower train.learning_rate")
            loss.backward()  # type: ignore[no-untyped-call]  # torch leaves backward without types
        torch.nn.utils.clip_grad_norm_(weights, plan.clip)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(loss.item())
        if time.monotonic() - saved >= SAVE_AFTER_S or len(losses) == steps:
            _save(work, plan, weights, optimizer, losses)
            saved = time.monotonic()
        if progress is not None:
            progress(len(losses), steps, losses[-1])
    checkpoint.model.eval()
    return losses


def schedule(step: int, steps: int, warmup: int) -> float:
    """Factor on the peak learning rate: a linear warm-up (no longer than a tenth of the run), then half a cosine."""
    warmup = min(warmup, steps // 10)
    if step < warmup:
        return (step + 1) / (warmup + 1)
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


def _loss(
    checkpoint: Checkpoint,
    examples: Sequence[Example],
    plan: Plan,
    step: int,
    encoded: Callable[[QuestionId, tuple[int, ...]], EncodedBranch],
) -> Tensor:
    prompts: list[EncodedPrompt] = []
    targets: list[list[float]] = []
    weights: list[float] = []
    for example, drawn in zip(examples, drawn_orders(examples, plan, step), strict=True):
        for question, order in drawn:
            targets.append([example.targets[question][option] for option in order])
            weights.append(example.weight if plan.weighted else 1.0)
        prompts.append(replace(example.prompt, branches=tuple(encoded(*one) for one in drawn)))
    with autocast(checkpoint.device):
        logits = letter_logits(checkpoint.causal, collate(prompts).to(checkpoint.device))
    wanted = torch.zeros_like(logits)
    for row, shares in enumerate(targets):
        wanted[row, : len(shares)] = torch.tensor(shares)
    each = torch.nn.functional.cross_entropy(logits, wanted, reduction="none")
    share = torch.tensor(weights, device=checkpoint.device)
    return (each * share).sum() / share.sum()


def _branches(
    checkpoint: Checkpoint, questions: Sequence[Question]
) -> Callable[[QuestionId, tuple[int, ...]], EncodedBranch]:
    by_id = {q.id: q for q in questions}

    @cache
    def encoded(question: QuestionId, order: tuple[int, ...]) -> EncodedBranch:
        return encode_branch(branch(by_id[question], order), checkpoint.tokenizer)

    return encoded


def batches(examples: Sequence[Example], plan: Plan, epoch: int) -> list[list[int]]:
    """Positions of an epoch's examples, batch by batch: rows of a batch are of about equal length."""
    return grouped([row_length(e.prompt) for e in examples], plan.batch, plan.seed * 7919 + epoch)


def drawn_orders(examples: Sequence[Example], plan: Plan, step: int) -> list[list[tuple[QuestionId, tuple[int, ...]]]]:
    """For each example of a step's batch its questions, each with an order of the options: the seed and step decide."""
    rng = random.Random(f"{plan.seed}/{step}")  # noqa: S311 - shuffling
    return [
        [
            (question, tuple(rng.sample(range(len(target)), len(target))))
            for question, target in example.targets.items()
            for _ in range(plan.orders)
        ]
        for example in examples
    ]


@contextmanager
def within_memory(batch: int) -> Iterator[None]:
    """Say what to do where memory does not suffice: the machine's, a GPU's, or what train.memory_gb allows."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "memory" not in str(error):
            raise
        raise TrainingError(
            f"there is not enough memory for a step with batches of {batch}; lower train.batch or "
            "decide.max_prompt_tokens, or raise train.memory_gb if the machine has more to give"
        ) from error


def _save(work: Path, plan: Plan, weights: Sequence[Tensor], optimizer: Stepper, losses: Sequence[float]) -> None:
    state = {
        "plan": asdict(plan),
        "weights": [w.detach().cpu() for w in weights],
        "optimizer": optimizer.state_dict(),
        "losses": list(losses),
    }
    try:
        work.mkdir(parents=True, exist_ok=True)
        with replacing(work / STATE) as aside:
            torch.save(state, aside)
    except (OSError, RuntimeError) as error:  # torch's own writer knows no other word for a full disk
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ExportError(
            f"could not write the training state {work / STATE}: {reason}; make room on the disk and train again"
        ) from error


def _resume(work: Path, plan: Plan, weights: Sequence[Tensor], optimizer: Stepper, device: torch.device) -> list[float]:
    path = work / STATE
    if not path.exists():
        return []
    state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    if state["plan"] != asdict(plan) or [w.shape for w in state["weights"]] != [w.shape for w in weights]:
        return []
    with torch.no_grad():
        for weight, saved in zip(weights, state["weights"], strict=True):
            weight.copy_(saved)
    optimizer.load_state_dict(state["optimizer"])
    return list(state["losses"])

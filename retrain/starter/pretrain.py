"""Language modelling on chat: what makes a rung know words before it is asked anything."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import PreTrainedModel

from retrain.fit import STATE, schedule
from retrain.score import autocast

BLOCK = 256
"""Tokens of a training sequence."""
BATCH = 8
EMBEDDING_RATE = 1.5
"""The embedding's learning rate over the matrices'."""
Progress = Callable[[int, int, float], None]


@dataclass(slots=True, kw_only=True)
class Optimizers:
    """Muon for the matrices inside the layers, AdamW for embedding, norms and biases.

    In equal computing time Muon (Jordan et al. 2024) reached 4.26 nats a token where AdamW alone reached 4.60.
    """

    parts: tuple[torch.optim.Optimizer, ...]
    peaks: tuple[float, ...]

    def set_rate(self, factor: float) -> None:
        """Set every learning rate to ``factor`` of its peak."""
        for part, peak in zip(self.parts, self.peaks, strict=True):
            for group in part.param_groups:
                group["lr"] = peak * factor

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """The groups of all parts."""
        return [group for part in self.parts for group in part.param_groups]

    def step(self) -> None:
        """Take a step and forget the gradients."""
        for part in self.parts:
            part.step()
        self.zero_grad()

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients."""
        for part in self.parts:
            part.zero_grad(set_to_none=set_to_none)

    def state_dict(self) -> dict[str, Any]:
        """The state of each part."""
        return {"parts": [part.state_dict() for part in self.parts]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a state."""
        for part, saved in zip(self.parts, state_dict["parts"], strict=True):
            part.load_state_dict(saved)


def make_optimizers(model: PreTrainedModel, learning_rate: float) -> Optimizers:
    """Split a model's parameters; Muon's steps are scaled to the size of AdamW's."""
    matrices = [p for n, p in model.named_parameters() if p.dim() == 2 and "embed" not in n]
    inside = {id(p) for p in matrices}
    rest = [p for p in model.parameters() if id(p) not in inside]
    muon = torch.optim.Muon(matrices, lr=learning_rate, weight_decay=0.05, adjust_lr_fn="match_rms_adamw")
    adam = torch.optim.AdamW(rest, lr=learning_rate * EMBEDDING_RATE, betas=(0.9, 0.95), weight_decay=0.0, fused=True)
    return Optimizers(parts=(muon, adam), peaks=(learning_rate, learning_rate * EMBEDDING_RATE))


def matrix_optimizer(model: PreTrainedModel, learning_rate: float) -> Optimizers:
    """Muon alone, for the matrices that have gradients."""
    matrices = [p for p in model.parameters() if p.requires_grad]
    muon = torch.optim.Muon(matrices, lr=learning_rate, weight_decay=0.0, adjust_lr_fn="match_rms_adamw")
    return Optimizers(parts=(muon,), peaks=(learning_rate,))


def pretrain(
    model: PreTrainedModel,
    ids: NDArray[np.uint16],
    *,
    tokens: int,
    learning_rate: float,
    seed: int,
    work: Path,
    progress: Progress,
    save_every: int = 100,
) -> list[float]:
    """Model ``tokens`` tokens of text, block by block in a shuffled order; returns the loss of every step (nats).

    A run that was killed goes on from the state in ``work``.
    """
    blocks = torch.from_numpy(ids[: len(ids) // BLOCK * BLOCK].astype(np.int64)).view(-1, BLOCK)
    steps = max(1, tokens // (BLOCK * BATCH))
    optimizers = make_optimizers(model, learning_rate)
    losses = _resume(work, steps, model, optimizers)
    per_epoch = max(1, len(blocks) // BATCH)
    order = torch.empty(0, dtype=torch.long)
    shuffled = -1
    model.train()
    while len(losses) < steps:
        step = len(losses)
        epoch, place = divmod(step, per_epoch)
        if epoch != shuffled:
            order = torch.randperm(len(blocks), generator=torch.Generator().manual_seed(seed * 7919 + epoch))
            shuffled = epoch
        optimizers.set_rate(schedule(step, steps, 40))
        loss = next_token_loss(model, blocks[order[place * BATCH : (place + 1) * BATCH]].to(model.device))
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves backward without types
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizers.step()
        losses.append(loss.item())
        if len(losses) % save_every == 0 or len(losses) == steps:
            _save(work, steps, model, optimizers, losses)
        progress(len(losses), steps, losses[-1])
    return losses


def next_token_loss(model: PreTrainedModel, blocks: Tensor) -> Tensor:
    """Mean cross-entropy (nats) of every token after the first of its block: [B, T] ids -> scalar."""
    with autocast(model.device):
        hidden = model.base_model(input_ids=blocks, use_cache=False).last_hidden_state
        head: Any = model.get_output_embeddings()  # type: ignore[no-untyped-call]  # transformers leaves it without types
        logits: Tensor = head(hidden[:, :-1].reshape(-1, hidden.shape[-1]))
    return torch.nn.functional.cross_entropy(logits.float(), blocks[:, 1:].reshape(-1))


def _save(work: Path, steps: int, model: PreTrainedModel, optimizers: Optimizers, losses: list[float]) -> None:
    work.mkdir(parents=True, exist_ok=True)
    aside = work / f"{STATE}.aside"
    parts = [part.state_dict() for part in optimizers.parts]
    torch.save({"steps": steps, "model": model.state_dict(), "parts": parts, "losses": losses}, aside)
    aside.replace(work / STATE)


def _resume(work: Path, steps: int, model: PreTrainedModel, optimizers: Optimizers) -> list[float]:
    if not (work / STATE).exists():
        return []
    state: dict[str, Any] = torch.load(work / STATE, map_location=model.device, weights_only=True)
    if state["steps"] != steps:
        return []
    model.load_state_dict(state["model"])
    for part, saved in zip(optimizers.parts, state["parts"], strict=True):
        part.load_state_dict(saved)
    return list(state["losses"])

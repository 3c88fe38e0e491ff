"""What training changed, as a LoRA adapter: the best approximation of the change at a given rank."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from peft import PeftModel
from peft.tuners.lora import LoraLayer
from torch import Tensor

from models.errors import TrainingError
from models.settings import TrainSettings
from models.tokens import EncodedPrompt
from retrain.checkpoint import Checkpoint
from retrain.lora import add_adapter
from retrain.score import score

FLOOR = 1e-3
"""Added to the second moments, relative to their mean: a direction that no sampled token used must not become free."""


def second_moments(checkpoint: Checkpoint, prompts: Sequence[EncodedPrompt]) -> dict[str, Tensor]:
    """Sum of x x' over all inputs x of every linear layer but the head, by the layer's name: [inputs, inputs]."""
    found: dict[str, Tensor] = {}

    def watch(name: str) -> Callable[[Any, tuple[Tensor, ...], Tensor], None]:
        def add(_layer: Any, given: tuple[Tensor, ...], _made: Tensor) -> None:
            x = given[0].detach().reshape(-1, given[0].shape[-1]).double()
            found[name] = found.get(name, torch.zeros(())) + x.T @ x

        return add

    head = checkpoint.causal.get_output_embeddings()  # type: ignore[no-untyped-call]  # transformers leaves it without types
    hooks = [
        layer.register_forward_hook(watch(name))
        for name, layer in checkpoint.causal.named_modules()
        if isinstance(layer, torch.nn.Linear) and layer is not head
    ]
    try:
        score(checkpoint, prompts)
    finally:
        for hook in hooks:
            hook.remove()
    return found


def extract_adapter(
    checkpoint: Checkpoint, tuned: dict[str, Tensor], settings: TrainSettings, moments: Mapping[str, Tensor]
) -> tuple[PeftModel, float]:
    """Put on ``checkpoint`` the adapter that takes its linear layers as near as its rank allows to ``tuned``.

    ``tuned`` holds the weights after training, by their names in the base model. Near is measured where it matters, in
    the layers' outputs over the inputs that ``moments`` (see ``second_moments``) were taken from: the truncated
    singular value decomposition of change times root of moments (Eckart and Young 1936; Wang et al., "SVD-LLM", 2024,
    for weights themselves). Layers without moments are cut by the change alone. Also returns the share (0..1) of the
    outputs' change, in squares, that the rank keeps. Raises TrainingError where something other than the linear layers
    was changed.
    """
    before = {name: weight.detach().clone() for name, weight in checkpoint.causal.state_dict().items()}
    model = add_adapter(checkpoint, settings)
    layers = {n.removeprefix("base_model.model."): m for n, m in model.named_modules() if isinstance(m, LoraLayer)}
    changed = {n for n, w in before.items() if not torch.equal(w, tuned[n].to(w))}
    stray = changed - {f"{name}.weight" for name in layers}
    if stray:
        raise TrainingError(f"an adapter cannot hold the change of {', '.join(sorted(stray)[:3])}")
    kept = whole = 0.0
    with torch.no_grad():
        for name, layer in layers.items():
            change = (tuned[f"{name}.weight"] - before[f"{name}.weight"]).double()
            root, inverse = roots(moments.get(name), change)
            left, sizes, right = torch.linalg.svd(change @ root, full_matrices=False)
            rank = min(settings.rank, len(sizes))
            half = (sizes[:rank] / (settings.alpha / settings.rank)).sqrt()
            a: Tensor = layer.lora_A.get_parameter("default.weight")
            b: Tensor = layer.lora_B.get_parameter("default.weight")
            a.zero_()
            b.zero_()
            a[:rank] = (half[:, None] * right[:rank] @ inverse).to(a)
            b[:, :rank] = (left[:, :rank] * half).to(b)
            kept += float((sizes[:rank] ** 2).sum())
            whole += float((sizes**2).sum())
    return model, kept / whole if whole else 1.0


def roots(moment: Tensor | None, change: Tensor) -> tuple[Tensor, Tensor]:
    """The symmetric root of a second moment and its inverse: twice [inputs, inputs]."""
    if moment is None:
        same = torch.eye(change.shape[1], dtype=change.dtype, device=change.device)
        return same, same
    scaled = moment.to(change) / moment.diagonal().mean()
    sizes, directions = torch.linalg.eigh(scaled)
    sizes = sizes.clamp(min=0.0) + FLOOR
    return directions * sizes.sqrt() @ directions.T, directions * sizes.rsqrt() @ directions.T

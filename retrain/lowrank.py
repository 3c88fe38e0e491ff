"""What training changed, as a LoRA adapter: the best approximation of the change at a given rank."""

import torch
from peft import PeftModel
from peft.tuners.lora import LoraLayer
from torch import Tensor

from models.errors import TrainingError
from models.settings import TrainSettings
from retrain.checkpoint import Checkpoint
from retrain.lora import add_adapter


def extract_adapter(
    checkpoint: Checkpoint, tuned: dict[str, Tensor], settings: TrainSettings
) -> tuple[PeftModel, float]:
    """Put on ``checkpoint`` the adapter that takes its linear layers as near as its rank allows to ``tuned``.

    ``tuned`` holds the weights after training, by their names in the base model. The truncated singular value
    decomposition is the nearest matrix of a rank (Eckart and Young 1936). Also returns the share (0..1) of the change's
    energy that the rank keeps. Raises TrainingError where something other than the linear layers was changed.
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
            change = (tuned[f"{name}.weight"] - before[f"{name}.weight"]).float()
            left, sizes, right = torch.linalg.svd(change, full_matrices=False)
            rank = min(settings.rank, len(sizes))
            root = (sizes[:rank] / (settings.alpha / settings.rank)).sqrt()
            a: Tensor = layer.lora_A.get_parameter("default.weight")
            b: Tensor = layer.lora_B.get_parameter("default.weight")
            a.zero_()
            b.zero_()
            a[:rank] = root[:, None] * right[:rank]
            b[:, :rank] = left[:, :rank] * root
            kept += float((sizes[:rank] ** 2).sum())
            whole += float((sizes**2).sum())
    return model, kept / whole if whole else 1.0

"""One loading path for all models: the starter family, local folders and hub ids."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, PreTrainedModel
from transformers.utils import logging as transformers_logging

import models
from models.errors import ModelError
from retrain.tokenizer import HubTokenizer

STARTER = Path(models.__file__).resolve().parent / "starter"
STARTER_RUNGS = ("xs", "s", "m", "l")
LARGE = 100_000_000
"""From this many parameters on, frozen weights stay in the checkpoint's bf16 to halve memory."""


@dataclass(slots=True, kw_only=True)
class Checkpoint:
    """A causal language model with its tokenizer, ready to be read or trained."""

    name: str
    model: torch.nn.Module
    tokenizer: HubTokenizer
    device: torch.device

    @property
    def causal(self) -> PreTrainedModel:
        """The language model itself, without peft's wrapper (adapter layers stay inside it)."""
        model = self.model.get_base_model() if isinstance(self.model, PeftModel) else self.model
        if not isinstance(model, PreTrainedModel):
            raise ModelError(f"{self.name} is no causal language model of transformers")
        return model


def resolve(name: str | Path) -> tuple[str, str]:
    """Find a model's weights and tokenizer: ``starter-s`` is shipped, the rest is a folder or hub id.

    Raises ModelError for a rung of the starter family that does not exist or is not there.
    """
    text = str(name)
    if text.startswith("starter-"):
        rung = text.removeprefix("starter-").removeprefix("base-")
        folder = STARTER / "base" / rung
        if rung not in STARTER_RUNGS or not (folder / "model.safetensors").exists():
            known = ", ".join(f"starter-{r}" for r in STARTER_RUNGS)
            raise ModelError(f"the starter family has no {text} in {STARTER}; its rungs are {known}")
        return str(folder), str(STARTER)
    folder = Path(text).expanduser()
    if folder.is_dir():
        beside = folder if (folder / "tokenizer.json").exists() else folder.parent.parent
        return str(folder), str(beside if (beside / "tokenizer.json").exists() else folder)
    return text, text


def starter_adapter(name: str) -> Path | None:
    """Find the shipped adapter (trained on gold labels) that belongs to a rung of the starter family."""
    folder = STARTER / "adapters" / name.removeprefix("starter-")
    return folder if (folder / "adapter_model.safetensors").exists() else None


def load_base(name: str | Path, *, device: str = "cpu", adapter: Path | None = None) -> Checkpoint:
    """Load a model from safetensors, optionally with a PEFT adapter on top.

    Raises ModelError where it is missing, is not a causal language model, or has no safetensors.
    """
    weights, tokens = resolve(name)
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # without types; its bars break up ours
    model: Any  # transformers decorates .to() in a way that hides its arguments
    try:
        model = AutoModelForCausalLM.from_pretrained(
            weights, use_safetensors=True, dtype="auto", attn_implementation="sdpa"
        )
        if sum(p.numel() for p in model.parameters()) < LARGE:
            model = model.to(torch.float32)
        if adapter is not None:
            model = PeftModel.from_pretrained(model, str(adapter))
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(
            f"cannot load the model {weights}{f' with the adapter {adapter}' if adapter else ''}: {reason}; "
            "name a folder with config.json and model.safetensors, or a hub id that this machine can reach"
        ) from error
    place = torch.device(device)
    model.to(place).eval()
    return Checkpoint(name=str(name), model=model, tokenizer=HubTokenizer(tokens), device=place)


def parameter_count(model: torch.nn.Module) -> int:
    """Count parameters, tied ones once."""
    return sum(p.numel() for p in model.parameters())

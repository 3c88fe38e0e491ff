"""From a PEFT adapter to a GGUF that llama.cpp lays over its base (``--lora``), as its own converter would write it."""

import math
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGUFWriter, get_tensor_name_map
from safetensors import SafetensorError, safe_open

from models.errors import ExportError
from models.replacement import replacing
from retrain.gguf_about import About, write_about
from retrain.gguf_export import ARCHITECTURES, head_width, interleave, refuse_unmapped
from retrain.gguf_vocab import read_json

WEIGHTS = "adapter_model.safetensors"
_PREFIX = "base_model.model."


def export_lora(adapter: Path, config: dict[str, Any], target: Path, about: About) -> Path:
    """Write an adapter of a Qwen2, Qwen3 or Llama base, whose transformers ``config`` is given; F32 throughout.

    llama.cpp scales every pair by alpha / rank: what peft does otherwise (rank-stabilised LoRA, ranks and alphas by
    layer) is multiplied into B. Raises ExportError for what is no plain LoRA, or where the file cannot be written;
    then nothing is left behind.
    """
    settings = read_json(adapter / "adapter_config.json")
    _refuse(settings, adapter)
    refuse_unmapped(config, adapter)
    try:
        with replacing(target) as aside, ExitStack() as stack:
            writer = GGUFWriter(aside, str(config["model_type"]))
            stack.callback(writer.close)
            writer.add_name(about.name)
            write_about(writer, about, "adapter")
            writer.add_string("adapter.type", "lora")
            writer.add_float32("adapter.lora.alpha", float(settings["lora_alpha"]))
            _add_tensors(writer, config, settings, adapter)
            writer.write_header_to_file()
            writer.write_kv_data_to_file()
            writer.write_tensors_to_file()
    except (OSError, SafetensorError) as error:
        raise ExportError(f"could not export {adapter} to {target}: {error}; nothing was written") from error
    return target


def _refuse(settings: dict[str, Any], adapter: Path) -> None:
    odd = [name for name in ("use_dora", "modules_to_save", "fan_in_fan_out", "lora_bias") if settings.get(name)]
    if settings.get("peft_type") != "LORA" or odd or settings.get("bias", "none") != "none":
        told = ", ".join(odd) or f"{settings.get('peft_type')}, bias {settings.get('bias')}"
        raise ExportError(f"{adapter} is no plain LoRA ({told}); llama.cpp could not use it: export the merged model")


def _add_tensors(writer: GGUFWriter, config: dict[str, Any], settings: dict[str, Any], adapter: Path) -> None:
    names = get_tensor_name_map(ARCHITECTURES[config["model_type"]], int(config["num_hidden_layers"]))
    with safe_open(adapter / WEIGHTS, framework="pt") as file:
        modules = sorted(name.removesuffix(".lora_A.weight") for name in file.keys() if name.endswith(".lora_A.weight"))  # noqa: SIM118 - safe_open is no mapping
        for module in modules:
            plain = module.removeprefix(_PREFIX)
            mapped = names.get_name(f"{plain}.weight", try_suffixes=(".weight",))
            if mapped is None:
                raise ExportError(f"{adapter} adapts a layer that {config['model_type']} does not have: {plain}")
            a = file.get_tensor(f"{module}.lora_A.weight").float()
            b = file.get_tensor(f"{module}.lora_B.weight").float() * _ratio(settings, plain, len(a))
            if config["model_type"] == "llama" and plain.endswith(("q_proj", "k_proj")):
                b = interleave(b, head_width(config))
            for half, tensor in (("a", a), ("b", b)):
                writer.add_tensor(f"{mapped}.lora_{half}", np.ascontiguousarray(tensor.numpy().astype(np.float32)))
    if not modules:
        raise ExportError(f"{adapter / WEIGHTS} holds no LoRA matrices")


def _ratio(settings: dict[str, Any], module: str, rank: int) -> float:
    """What peft scales a pair by, over what llama.cpp will: 1 for plain LoRA."""
    alphas = settings.get("alpha_pattern") or {}
    alpha = next((value for name, value in alphas.items() if module.endswith(name)), settings["lora_alpha"])
    scaled = alpha / math.sqrt(rank) if settings.get("use_rslora") else alpha / rank
    return float(scaled / (settings["lora_alpha"] / rank))

"""From a merged checkpoint folder to a GGUF, with nothing but the ``gguf`` package.

The official converter recognises tokenizers by a hash and so refuses one of our own; this one reads what the tokenizer
says it does. Weights stream from safetensors to the file tensor by tensor, so memory holds one tensor at a time.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from gguf import MODEL_ARCH, GGUFWriter, LlamaFileType, get_tensor_name_map
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from models.errors import ExportError
from models.replacement import replacing
from retrain.gguf_about import About, write_about
from retrain.gguf_vocab import Vocabulary, read_json, read_vocabulary

Kind = Literal["f16", "f32"]
ARCHITECTURES = {"qwen2": MODEL_ARCH.QWEN2, "qwen3": MODEL_ARCH.QWEN3, "llama": MODEL_ARCH.LLAMA}

logging.getLogger("gguf").setLevel(logging.WARNING)  # it announces the byte order of every file


def export_gguf(checkpoint: Path, target: Path, *, kind: Kind = "f16", about: About | None = None) -> Path:
    """Write a Qwen2, Qwen3 or Llama checkpoint as GGUF; vectors (norms, biases) stay F32 in either kind.

    With ``about`` it says what it is and what it was made of.

    The file is written aside and renamed when whole. Raises ExportError where the checkpoint is of a shape that is not
    mapped here, or the file cannot be written (full disk); then nothing is left behind.
    """
    config = read_json(checkpoint / "config.json")
    refuse_unmapped(config, checkpoint)
    vocabulary = read_vocabulary(checkpoint, int(config["vocab_size"]))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target) as aside, ExitStack() as stack:
            writer = GGUFWriter(aside, str(config["model_type"]))
            stack.callback(writer.close)
            write_fields(writer, config, vocabulary, kind, checkpoint.name if about is None else about.name)
            if about is not None:
                write_about(writer, about, "model")
            _write_tensors(writer, config, checkpoint, kind)
    except (OSError, SafetensorError) as error:
        raise ExportError(f"could not export {checkpoint} to {target}: {error}; nothing was written") from error
    return target


def rope_theta(config: dict[str, Any]) -> float:
    """The base frequency of the rotary embedding: inside ``rope_parameters`` in transformers 5, beside it before."""
    return float((config.get("rope_parameters") or {}).get("rope_theta") or config.get("rope_theta") or 10000.0)


def refuse_unmapped(config: dict[str, Any], checkpoint: Path) -> None:
    """Raise ExportError where a model is of a shape that would not be the same as GGUF."""
    if config.get("model_type") not in ARCHITECTURES:
        offered = ", ".join(ARCHITECTURES)
        raise ExportError(f"{checkpoint} is a {config.get('model_type')!r} model; only {offered} are exported")
    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    if rope.get("rope_type", rope.get("type", "default")) != "default":
        raise ExportError(f"{checkpoint} scales its rotary embedding ({rope}), which this export does not map")
    if config["model_type"] == "llama" and config.get("attention_bias"):
        raise ExportError(f"{checkpoint} is a llama model with attention biases, which this export does not map")
    if config.get("use_sliding_window"):
        raise ExportError(f"{checkpoint} uses a sliding window, which this export does not map")


def head_width(config: dict[str, Any]) -> int:
    """Width of one attention head."""
    return int(config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"])


def write_fields(writer: GGUFWriter, config: dict[str, Any], vocabulary: Vocabulary, kind: Kind, name: str) -> None:
    """Write a GGUF's header fields from a transformers config and a vocabulary."""
    heads = int(config["num_attention_heads"])
    writer.add_name(name)
    writer.add_file_type(LlamaFileType.MOSTLY_F16 if kind == "f16" else LlamaFileType.ALL_F32)
    writer.add_context_length(int(config["max_position_embeddings"]))
    writer.add_embedding_length(int(config["hidden_size"]))
    writer.add_block_count(int(config["num_hidden_layers"]))
    writer.add_feed_forward_length(int(config["intermediate_size"]))
    writer.add_head_count(heads)
    writer.add_head_count_kv(int(config.get("num_key_value_heads") or heads))
    writer.add_key_length(head_width(config))
    writer.add_value_length(head_width(config))
    writer.add_rope_dimension_count(head_width(config))
    writer.add_rope_freq_base(rope_theta(config))
    writer.add_layer_norm_rms_eps(float(config["rms_norm_eps"]))
    writer.add_vocab_size(len(vocabulary.tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(vocabulary.pre)
    writer.add_token_list(vocabulary.tokens)
    writer.add_token_types(vocabulary.kinds)
    writer.add_token_merges(vocabulary.merges)
    named: dict[str, Callable[[int], None]] = {
        "bos": writer.add_bos_token_id,
        "eos": writer.add_eos_token_id,
        "pad": writer.add_pad_token_id,
    }
    for role, token in vocabulary.special.items():
        named[role](token)
    writer.add_add_bos_token(False)  # noqa: FBT003 - gguf's signature; prompts are rendered whole
    if vocabulary.chat_template is not None:
        writer.add_chat_template(vocabulary.chat_template)


def _write_tensors(writer: GGUFWriter, config: dict[str, Any], checkpoint: Path, kind: Kind) -> None:
    names = get_tensor_name_map(ARCHITECTURES[config["model_type"]], int(config["num_hidden_layers"]))
    todo: list[tuple[str, Callable[[], NDArray[Any]]]] = []
    with ExitStack() as stack:
        for name, shape, read in _tensors(checkpoint, stack):
            if name == "lm_head.weight" and config.get("tie_word_embeddings"):
                continue
            mapped = names.get_name(name, try_suffixes=(".weight", ".bias"))
            if mapped is None:
                raise ExportError(f"{checkpoint} holds a tensor that {config['model_type']} does not have: {name}")
            # Vectors are added to or multiplied with F32 activations and cost nothing: they stay F32.
            dtype = np.dtype(np.float16 if kind == "f16" and len(shape) > 1 else np.float32)
            writer.add_tensor_info(mapped, shape, dtype, int(np.prod(shape)) * dtype.itemsize)
            todo.append((mapped, _converted(name, read, dtype, config)))
        if not todo:
            raise ExportError(f"{checkpoint} holds no safetensors weights; merge the adapter into it first")
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        for _, convert in todo:
            writer.write_tensor_data(convert())


def _tensors(checkpoint: Path, stack: ExitStack) -> Iterator[tuple[str, tuple[int, ...], Callable[[], torch.Tensor]]]:
    for path in sorted(checkpoint.glob("*.safetensors")):
        file = stack.enter_context(safe_open(path, framework="pt"))
        for name in file.keys():  # noqa: SIM118 - safe_open is no mapping
            yield name, tuple(file.get_slice(name).get_shape()), partial(file.get_tensor, name)


def _converted(
    name: str, read: Callable[[], torch.Tensor], dtype: np.dtype[Any], config: dict[str, Any]
) -> Callable[[], NDArray[Any]]:
    def convert() -> NDArray[Any]:
        tensor = read().float()
        if config["model_type"] == "llama" and name.endswith(("q_proj.weight", "k_proj.weight")):
            tensor = interleave(tensor, head_width(config))
        return np.ascontiguousarray(tensor.numpy().astype(dtype))

    return convert


def interleave(weight: torch.Tensor, head: int) -> torch.Tensor:
    """Reorder a query or key projection (rows x width) from halves, as transformers rotates, to ggml's pairs."""
    rows, width = weight.shape
    return weight.reshape(rows // head, 2, head // 2, width).transpose(1, 2).reshape(rows, width)

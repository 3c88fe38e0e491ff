"""Random weights in a well-known shape, as GGUF: for measuring speed and memory where no hub is reached."""

import math
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGUFWriter
from numpy.typing import NDArray

from models.errors import ExportError
from models.llama.resolve import STARTER
from models.llama.shape import Shape
from models.replacement import replacing
from retrain.gguf_export import write_fields
from retrain.gguf_vocab import read_vocabulary

_BLOCK = 1 << 22


def write_random(shape: Shape, target: Path, *, seed: int = 0) -> Path:
    """Write an F16 GGUF of the shape; its tokenizer is the starter's, padded to the vocabulary.

    Written aside and renamed; raises ExportError where it cannot be written.
    """
    block = (np.random.default_rng(seed).standard_normal(_BLOCK) * 0.02).astype(np.float16)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target) as aside, ExitStack() as stack:
            writer = GGUFWriter(aside, shape.family)
            stack.callback(writer.close)
            vocabulary = read_vocabulary(STARTER, shape.vocabulary)
            write_fields(writer, shape.config(), vocabulary, "f16", target.stem)
            sizes = list(_sizes(shape))
            for name, size in sizes:
                dtype = np.dtype(np.float16 if len(size) > 1 else np.float32)
                writer.add_tensor_info(name, size, dtype, math.prod(size) * dtype.itemsize)
            writer.write_header_to_file()
            writer.write_kv_data_to_file()
            writer.write_ti_data_to_file()
            for name, size in sizes:
                writer.write_tensor_data(_values(name, size, block))
    except OSError as error:
        raise ExportError(f"could not write {target}: {error}; is the disk full?") from error
    return target


def _values(name: str, size: tuple[int, ...], block: NDArray[np.float16]) -> NDArray[Any]:
    if name.endswith("norm.weight"):
        return np.ones(size, dtype=np.float32)
    if len(size) == 1:
        return np.zeros(size, dtype=np.float32)
    return np.resize(block, size)  # one block over and over: speed does not depend on the values


def _sizes(shape: Shape) -> Iterator[tuple[str, tuple[int, ...]]]:
    queries, keys = shape.heads * shape.head, shape.kv_heads * shape.head
    yield "token_embd.weight", (shape.vocabulary, shape.width)
    yield "output_norm.weight", (shape.width,)
    for layer in range(shape.layers):
        at = f"blk.{layer}"
        yield f"{at}.attn_norm.weight", (shape.width,)
        yield f"{at}.ffn_norm.weight", (shape.width,)
        for name, rows in (("q", queries), ("k", keys), ("v", keys)):
            yield f"{at}.attn_{name}.weight", (rows, shape.width)
            if shape.family == "qwen2":
                yield f"{at}.attn_{name}.bias", (rows,)
        if shape.family == "qwen3":
            yield f"{at}.attn_q_norm.weight", (shape.head,)
            yield f"{at}.attn_k_norm.weight", (shape.head,)
        yield f"{at}.attn_output.weight", (shape.width, queries)
        yield f"{at}.ffn_gate.weight", (shape.inner, shape.width)
        yield f"{at}.ffn_up.weight", (shape.inner, shape.width)
        yield f"{at}.ffn_down.weight", (shape.width, shape.inner)

"""Quantizing a GGUF with llama.cpp's own quantizer."""

import ctypes
from pathlib import Path

from models.errors import ExportError
from models.llama.library import last_words, llama_cpp
from models.replacement import replacing

KINDS = {
    "f16": llama_cpp.LLAMA_FTYPE_MOSTLY_F16,
    "q8_0": llama_cpp.LLAMA_FTYPE_MOSTLY_Q8_0,
    "q6_k": llama_cpp.LLAMA_FTYPE_MOSTLY_Q6_K,
    "q5_k_m": llama_cpp.LLAMA_FTYPE_MOSTLY_Q5_K_M,
    "q4_k_m": llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_K_M,
}


def quantize(source: Path, target: Path, kind: str, *, threads: int = 2) -> Path:
    """Quantize an F32 or F16 GGUF to ``kind`` (a key of KINDS); written aside, then renamed.

    Raises ExportError where the kind is unknown or llama.cpp fails (a K-quant of an unsuitable width, a full disk).
    """
    if kind not in KINDS:
        raise ExportError(f"there is no quantization {kind!r}; choose one of {', '.join(KINDS)}")
    params = llama_cpp.llama_model_quantize_default_params()
    params.nthread = threads
    params.ftype = KINDS[kind]
    try:
        with replacing(target) as aside:
            status = llama_cpp.llama_model_quantize(str(source).encode(), str(aside).encode(), ctypes.byref(params))
            if status != 0 or not aside.exists():
                raise ExportError(f"could not quantize {source} to {kind}: {last_words()}")
    except OSError as error:
        raise ExportError(f"could not write {target}: {error}") from error
    return target

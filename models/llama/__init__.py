"""llama.cpp, the local backend: the only place that knows llama-cpp-python."""

from models.llama.decider import LlamaDecider, open_decider
from models.llama.quantize import quantize
from models.llama.resolve import gguf_of, sha256_of

__all__ = ["LlamaDecider", "gguf_of", "open_decider", "quantize", "sha256_of"]

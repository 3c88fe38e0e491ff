"""Loading llama.cpp's library once: quiet, and polite to other programs on the host."""

import ctypes
import os
from collections import deque
from typing import Any

# With the default policy, waiting OpenMP threads spin: with a busy neighbour a decision took three times as long.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import llama_cpp

__all__ = ["last_words", "llama_cpp"]

_ERROR_LEVEL = 4
_lines: deque[str] = deque(maxlen=5)


@llama_cpp.llama_log_callback  # type: ignore[untyped-decorator] # a ctypes function type
def _listen(level: int, text: bytes, _user: Any) -> None:
    if level == _ERROR_LEVEL:
        _lines.append(text.decode("utf-8", "replace").strip())


llama_cpp.llama_log_set(_listen, ctypes.c_void_p(0))
llama_cpp.llama_backend_init()


def last_words() -> str:
    """What llama.cpp last complained about, for an error's message."""
    said = "; ".join(line for line in _lines if line)
    _lines.clear()
    return said or "llama.cpp gave no reason"

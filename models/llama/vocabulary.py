"""A GGUF's vocabulary without its weights: for prompts that are sent to a model server as token ids."""

import weakref
from pathlib import Path
from typing import Any

from models.errors import ModelError
from models.llama.library import last_words, llama_cpp


class Vocabulary:
    """The tokenizer of a GGUF: megabytes, not the model's gigabytes. Raises ModelError where it cannot be read."""

    def __init__(self, path: Path) -> None:
        params = llama_cpp.llama_model_default_params()
        params.vocab_only = True
        model = llama_cpp.llama_model_load_from_file(str(path).encode(), params)
        if not model:
            raise ModelError(f"the vocabulary of {path} could not be loaded: {last_words()}")
        weakref.finalize(self, llama_cpp.llama_model_free, model)
        self._vocab = llama_cpp.llama_model_get_vocab(model)

    def ids(self, text: str, *, special: bool) -> list[int]:
        """Tokenize one segment; with ``special`` off, what looks like a special token stays text."""
        return tokenize(self._vocab, text, special=special)


def tokenize(vocabulary: Any, text: str, *, special: bool) -> list[int]:
    """Ask llama.cpp for the ids of a text by its pointer to a vocabulary; raises ModelError where it has none."""
    raw = text.encode("utf-8", "replace")
    room = len(raw) + 8
    buffer = (llama_cpp.llama_token * room)()
    count = llama_cpp.llama_tokenize(vocabulary, raw, len(raw), buffer, room, False, special)  # noqa: FBT003
    if count < 0:
        raise ModelError(f"llama.cpp could not tokenize a text of {len(raw)} bytes")
    return list(buffer[:count])

"""Hugging Face's side of models.tokens.Tokenizer."""

from functools import lru_cache
from pathlib import Path

from transformers import AutoTokenizer

from models.errors import ModelError


class HubTokenizer:
    """Token ids from any tokenizer that transformers loads.

    Chat text is read with ``split_special_tokens``, because fast tokenizers parse ``<|im_end|>`` in plain text by
    default and anybody could then speak as the system.
    """

    def __init__(self, folder: str | Path) -> None:
        try:
            self.inner = AutoTokenizer.from_pretrained(str(folder))
        except (OSError, ValueError, KeyError) as error:
            raise ModelError(f"there is no tokenizer that transformers can load at {folder}: {error}") from error
        self._cached = lru_cache(maxsize=8192)(self._ids)

    def ids(self, text: str, *, special: bool) -> list[int]:
        """Tokenize one segment; no begin- or end-of-text token is added."""
        return list(self._cached(text, special))

    def _ids(self, text: str, special: bool) -> tuple[int, ...]:
        encoded = self.inner(text, add_special_tokens=False, split_special_tokens=not special)
        return tuple(encoded["input_ids"])

"""Scoring option letters with llama.cpp: the preamble cached, the chat read once, all branches in one decode.

The key-value cache is unified over sequences. The preamble's cells belong to every sequence and stay; the chat's cells
belong to the sequences of all branches; each branch's cells to its own sequence. One decode takes chat and branches
together and yields logits only where a branch ends.
"""

import ctypes
from collections.abc import Iterable, Sequence
from pathlib import Path

from models.errors import ModelError
from models.llama.library import last_words, llama_cpp
from models.tokens import EncodedPrompt

_GGUF_MAGIC = b"GGUF"
_CELL_BLOCK = 256


class Engine:
    """One GGUF in memory with a fixed key-value budget. Not thread-safe: one thread at a time.

    ``tokens`` bounds preamble, chat and all branches of one prompt together; ``branches`` bounds the branches of one
    prompt. Raises ModelError where the file is missing, no GGUF, corrupt, or too large for the host.
    """

    def __init__(self, path: Path, *, threads: int, tokens: int, branches: int, flash: bool = True) -> None:
        _look(path)
        model_params = llama_cpp.llama_model_default_params()
        model_params.n_gpu_layers = 0
        model_params.check_tensors = True
        # Repacked weights are slower here (544 against 410 tokens/s), and llama.cpp's AMX kernels crash on Q8_0 ones.
        model_params.use_extra_bufts = False
        self._model = llama_cpp.llama_model_load_from_file(str(path).encode(), model_params)
        if not self._model:
            raise ModelError(f"{path} could not be loaded: {last_words()}; restore it or choose another model")
        params = llama_cpp.llama_context_default_params()
        self._capacity = -(-tokens // _CELL_BLOCK) * _CELL_BLOCK
        params.n_ctx = params.n_batch = params.n_ubatch = self._capacity
        params.n_seq_max = branches
        params.n_threads = params.n_threads_batch = threads
        params.kv_unified = True
        params.flash_attn_type = -1 if flash else 0
        self._context = llama_cpp.llama_init_from_model(self._model, params)
        if not self._context:
            llama_cpp.llama_model_free(self._model)
            raise ModelError(f"no memory for {self._capacity} tokens of {path}: {last_words()}")
        self._memory = llama_cpp.llama_get_memory(self._context)
        self._vocab = llama_cpp.llama_model_get_vocab(self._model)
        self._sequences = branches
        self._preamble: tuple[int, ...] = ()

    def ids(self, text: str, *, special: bool) -> list[int]:
        """Tokenize one segment; with ``special`` off, what looks like a special token stays text."""
        raw = text.encode("utf-8", "replace")
        room = len(raw) + 8
        buffer = (llama_cpp.llama_token * room)()
        count = llama_cpp.llama_tokenize(self._vocab, raw, len(raw), buffer, room, False, special)  # noqa: FBT003
        if count < 0:
            raise ModelError(f"llama.cpp could not tokenize a text of {len(raw)} bytes")
        return list(buffer[:count])

    def score(self, prompt: EncodedPrompt) -> list[list[float]]:
        """Logits of each branch's option letters, in the branch's order; raises ModelError where decoding fails."""
        count = len(prompt.branches)
        total = len(prompt.preamble) + len(prompt.chat) + sum(len(b.ids) for b in prompt.branches)
        if count > self._sequences or total > self._capacity:
            raise ModelError(f"a prompt of {total} tokens and {count} branches exceeds the engine's budget")
        if prompt.preamble != self._preamble:
            self._read_preamble(prompt.preamble)
        start = len(prompt.preamble)
        everyone = list(range(count))
        rows = [(token, start + i, everyone, False) for i, token in enumerate(prompt.chat)]
        start += len(prompt.chat)
        ends: list[int] = []
        for sequence, branch in enumerate(prompt.branches):
            last = len(branch.ids) - 1
            rows.extend((token, start + i, [sequence], i == last) for i, token in enumerate(branch.ids))
            ends.append(len(rows) - 1)
        try:
            self._decode(rows)
            return [self._letters(end, b.letters) for end, b in zip(ends, prompt.branches, strict=True)]
        finally:
            llama_cpp.llama_memory_seq_rm(self._memory, -1, len(prompt.preamble), -1)

    def forget(self) -> None:
        """Drop the cached preamble; the next prompt reads it again."""
        llama_cpp.llama_memory_clear(self._memory, False)  # noqa: FBT003 - the cells' metadata suffices
        self._preamble = ()

    def close(self) -> None:
        """Free context and model."""
        if self._context:
            llama_cpp.llama_free(self._context)
            llama_cpp.llama_model_free(self._model)
            self._context = self._model = None

    def _read_preamble(self, preamble: tuple[int, ...]) -> None:
        self.forget()
        everyone = list(range(self._sequences))
        self._decode([(token, i, everyone, i == len(preamble) - 1) for i, token in enumerate(preamble)])
        self._preamble = preamble

    def _decode(self, rows: Sequence[tuple[int, int, list[int], bool]]) -> None:
        batch = llama_cpp.llama_batch_init(len(rows), 0, self._sequences)
        try:
            batch.n_tokens = len(rows)
            for i, (token, position, sequences, wanted) in enumerate(rows):
                batch.token[i], batch.pos[i], batch.logits[i] = token, position, wanted
                batch.n_seq_id[i] = len(sequences)
                for j, sequence in enumerate(sequences):
                    batch.seq_id[i][j] = sequence
            status = llama_cpp.llama_decode(self._context, batch)
        finally:
            llama_cpp.llama_batch_free(batch)
        if status != 0:
            self.forget()
            raise ModelError(f"llama.cpp could not decode {len(rows)} tokens (status {status}): {last_words()}")

    def _letters(self, row: int, letters: Iterable[int]) -> list[float]:
        logits = llama_cpp.llama_get_logits_ith(self._context, ctypes.c_int32(row))
        if not logits:
            raise ModelError(f"llama.cpp kept no logits for row {row}: {last_words()}")
        return [float(logits[letter]) for letter in letters]


def _look(path: Path) -> None:
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise ModelError(f"there is no readable model at {path}: {error.strerror}") from error
    if magic != _GGUF_MAGIC:
        raise ModelError(f"{path} is no GGUF file; convert the model with `quandary export` or choose another")

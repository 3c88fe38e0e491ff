"""Scoring option letters with llama.cpp: the preamble cached, each chat read once, all branches in one decode.

The key-value cache is unified over sequences. The preamble's cells belong to every sequence and stay; a chat's cells
belong to the sequences of its branches; each branch's cells to its own sequence, apart from a beginning that several
branches share. One decode takes the chats and branches of one burst or several, and yields logits only where a branch
ends.
"""

import ctypes
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from models.errors import ModelError
from models.llama.batch import Batch
from models.llama.layout import Layout, forest, line, tree
from models.llama.library import last_words, llama_cpp
from models.llama.vocabulary import tokenize
from models.tokens import EncodedPrompt

_GGUF_MAGIC = b"GGUF"
_CELL_BLOCK = 256
BURSTS_MAX = 4
"""Bursts in one decode at the most: more gain nothing, for each burst's tokens are then masked against all others'."""


class Engine:
    """One GGUF in memory with a fixed key-value budget. Not thread-safe: one thread at a time.

    ``tokens`` bounds preamble, chat and all branches of one prompt together; ``branches`` bounds the branches of one
    prompt; ``bursts`` how many prompts are decoded at once where they fit. ``repack`` lets llama.cpp rearrange weights
    for the CPU. Raises ModelError where the file is missing, no GGUF, corrupt, or too large for the host.
    """

    def __init__(
        self,
        path: Path,
        *,
        threads: int,
        tokens: int,
        branches: int,
        bursts: int = BURSTS_MAX,
        flash: bool = True,
        repack: bool = False,
    ) -> None:
        _look(path)
        model_params = llama_cpp.llama_model_default_params()
        model_params.n_gpu_layers = 0
        model_params.check_tensors = True
        # Repacked weights are slower here (544 against 410 tokens/s), and llama.cpp's AMX kernels crash on Q8_0 ones.
        model_params.use_extra_bufts = repack
        self._model = llama_cpp.llama_model_load_from_file(str(path).encode(), model_params)
        if not self._model:
            raise ModelError(f"{path} could not be loaded: {last_words()}; restore it or choose another model")
        params = llama_cpp.llama_context_default_params()
        self._capacity = -(-tokens // _CELL_BLOCK) * _CELL_BLOCK
        self._sequences = max(branches, min(branches * bursts, llama_cpp.llama_max_parallel_sequences()))
        params.n_ctx = params.n_batch = params.n_ubatch = self._capacity
        params.n_seq_max = params.n_outputs_max = self._sequences
        params.n_threads = params.n_threads_batch = threads
        params.kv_unified = True
        params.flash_attn_type = -1 if flash else 0
        self._context = llama_cpp.llama_init_from_model(self._model, params)
        if not self._context:
            llama_cpp.llama_model_free(self._model)
            raise ModelError(f"no memory for {self._capacity} tokens of {path}: {last_words()}")
        self._memory = llama_cpp.llama_get_memory(self._context)
        self._vocab = llama_cpp.llama_model_get_vocab(self._model)
        self._batch = Batch(self._capacity, self._sequences)
        self._bursts = bursts
        self._preamble: tuple[int, ...] = ()

    def lay(self, adapter: Path) -> None:
        """Lay a LoRA adapter (GGUF) over the model, until it is closed; raises ModelError where it does not fit.

        llama.cpp frees it with the model.
        """
        _look(adapter)
        laid = llama_cpp.llama_adapter_lora_init(self._model, str(adapter).encode())
        if not laid:
            raise ModelError(f"the adapter {adapter} does not fit the model: {last_words()}")
        one = (llama_cpp.llama_adapter_lora_p_ctypes * 1)(laid)
        if llama_cpp.llama_set_adapters_lora(self._context, one, 1, (ctypes.c_float * 1)(1.0)) != 0:
            raise ModelError(f"the adapter {adapter} could not be laid over the model: {last_words()}")
        self.forget()

    def ids(self, text: str, *, special: bool) -> list[int]:
        """Tokenize one segment; with ``special`` off, what looks like a special token stays text."""
        return tokenize(self._vocab, text, special=special)

    def score(self, prompt: EncodedPrompt) -> list[list[float]]:
        """Logits of each branch's option letters, in the branch's order; raises ModelError where decoding fails."""
        return self.score_all([prompt])[0]

    def score_all(self, prompts: Sequence[EncodedPrompt]) -> list[list[list[float]]]:
        """Score several prompts, as many in one decode as fit; raises ModelError where decoding fails.

        A prompt's logits hardly depend on its neighbours: matrices of another size round otherwise.
        """
        trees = [tree(prompt.branches) for prompt in prompts]
        found: list[list[list[float]]] = []
        for start, end in self._packs(prompts, trees):
            found += self._scored(prompts[start:end], trees[start:end])
        return found

    def read_plainly(self, preamble: tuple[int, ...], tokens: int) -> None:
        """Read ``tokens`` more tokens behind a preamble as one plain sequence: what llama.cpp allows at best.

        A yardstick for benchmarks: nothing is answered. Raises ModelError where decoding fails.
        """
        self._know(preamble)
        ids = (preamble * (tokens // len(preamble) + 1))[:tokens]
        try:
            self._decode(replace(line(ids, 1, len(preamble)), ends=((tokens - 1,),)))
        finally:
            self._drop()

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

    def _packs(self, prompts: Sequence[EncodedPrompt], trees: Sequence[Layout]) -> Iterator[tuple[int, int]]:
        """Cut a queue into runs with a common preamble that fit the cache together."""
        start, taken, sequences = 0, 0, 0
        for i, (prompt, branches) in enumerate(zip(prompts, trees, strict=True)):
            own, count = len(prompt.chat) + branches.size, len(prompt.branches)
            alone = len(prompt.preamble) + own
            if count > self._sequences or alone > self._capacity:
                raise ModelError(f"a prompt of {alone} tokens and {count} branches exceeds the engine's budget")
            fits = taken + own <= self._capacity and sequences + count <= self._sequences
            if i == start or (fits and i - start < self._bursts and prompt.preamble == prompts[start].preamble):
                taken, sequences = (alone, count) if i == start else (taken + own, sequences + count)
                continue
            yield start, i
            start, taken, sequences = i, alone, count
        if prompts:
            yield start, len(prompts)

    def _scored(self, prompts: Sequence[EncodedPrompt], trees: Sequence[Layout]) -> list[list[list[float]]]:
        self._know(prompts[0].preamble)
        layout = forest(prompts, trees)
        try:
            self._decode(layout)
            return [
                [self._letters(end, branch.letters) for end, branch in zip(ends, prompt.branches, strict=True)]
                for ends, prompt in zip(layout.ends, prompts, strict=True)
            ]
        finally:
            self._drop()

    def _know(self, preamble: tuple[int, ...]) -> None:
        if preamble != self._preamble:
            self.forget()
            self._decode(line(preamble, self._sequences))
            self._preamble = preamble

    def _drop(self) -> None:
        """Free the cells of all but the preamble."""
        llama_cpp.llama_memory_seq_rm(self._memory, -1, len(self._preamble), -1)

    def _decode(self, layout: Layout) -> None:
        if layout.size > self._capacity:
            raise ModelError(f"{layout.size} tokens exceed the engine's budget of {self._capacity}")
        status = llama_cpp.llama_decode(self._context, self._batch.filled(layout))
        if status != 0:
            self.forget()
            raise ModelError(f"llama.cpp could not decode {layout.size} tokens (status {status}): {last_words()}")

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
        raise ModelError(f"{path} is no GGUF file; convert the model with `quandary export gguf` or choose another")

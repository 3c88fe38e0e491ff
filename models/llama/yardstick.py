"""What the engine is measured against: llama-cpp-python as its users call it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from models.errors import ModelError
from models.llama.library import llama_cpp


class ChatCompletions:
    """A GGUF behind llama-cpp-python's ``create_chat_completion``, with the engine's own model parameters.

    Logprobs need ``logits_all``, so that library computes logits at every position. ``tokens`` bounds a prompt.
    """

    def __init__(self, path: Path, *, threads: int, tokens: int, repack: bool = False) -> None:
        self._last = 0
        with _model_defaults(repack):
            self._llama: Any = llama_cpp.Llama(
                model_path=str(path),
                n_ctx=tokens,
                n_batch=tokens,
                n_ubatch=tokens,
                n_threads=threads,
                n_threads_batch=threads,
                n_gpu_layers=0,
                logits_all=True,
                flash_attn=True,
                chat_format="chatml",
                verbose=False,
            )

    def ask(self, system: str, user: str, *, reuse: bool) -> int:
        """Ask for one token with logprobs; returns how many tokens the prompt had.

        Without ``reuse`` the library forgets first; with it, it keeps the longest prefix that it has read already.
        """
        if not reuse:
            self._llama.reset()
        messages = [{"role": "system", "content": system}, {"role": "user", "content": user}]
        answer = self._llama.create_chat_completion(
            messages, max_tokens=1, temperature=0.0, logprobs=True, top_logprobs=20
        )
        if not answer["choices"][0]["logprobs"]:
            raise ModelError("llama-cpp-python gave no logprobs")
        self._last = int(answer["usage"]["prompt_tokens"])
        return self._last

    def read_last(self) -> list[int]:
        """Token ids of the prompt that was read last."""
        return [int(token) for token in self._llama.input_ids[: self._last]]

    def close(self) -> None:
        """Release the model's memory."""
        self._llama.close()


@contextmanager
def _model_defaults(repack: bool) -> Iterator[None]:
    """Llama() has no parameter for repacked weights and takes the default: lend it another one."""
    module = llama_cpp.llama_cpp
    original = module.llama_model_default_params

    def defaults() -> Any:
        params = original()
        params.use_extra_bufts = repack
        return params

    module.llama_model_default_params = defaults
    try:
        yield
    finally:
        module.llama_model_default_params = original

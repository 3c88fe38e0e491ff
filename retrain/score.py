"""What a checkpoint says about prompts: the option letters' logits, and nothing else of the vocabulary."""

import contextlib
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache, PreTrainedModel

from models.tokens import EncodedPrompt
from retrain.batch import Batch, collate, row_length
from retrain.checkpoint import Checkpoint

MASKED = -1e9
Progress = Callable[[int, int], None]
PromptLogits = list[list[float]]
"""``[branch][letter]`` of one prompt."""


def letter_logits(model: PreTrainedModel, batch: Batch) -> Tensor:
    """Read a batch and return [N, K] logits of the letters after each branch; letters not offered get -1e9.

    The preamble's cache is computed once and shared by all rows, with gradients where these are on. Only the hidden
    states at the answers are multiplied, with only the letters' rows of the head.
    """
    cache = DynamicCache(config=model.config)
    body = model.base_model
    body(input_ids=batch.preamble, past_key_values=cache, use_cache=True)
    cache.batch_repeat_interleave(batch.ids.shape[0])
    hidden = body(
        input_ids=batch.ids,
        attention_mask=batch.mask,
        position_ids=batch.positions,
        past_key_values=cache,
        use_cache=True,
    ).last_hidden_state
    answers = hidden[batch.rows, batch.columns].contiguous()
    head: Any = model.get_output_embeddings()  # type: ignore[no-untyped-call]  # transformers leaves it without types
    logits = torch.nn.functional.linear(answers, head.weight[batch.letters].to(answers.dtype)).float()
    if head.bias is not None:
        logits = logits + head.bias[batch.letters].float()
    return logits.masked_fill(~batch.offered, MASKED)


def score(
    checkpoint: Checkpoint,
    prompts: Sequence[EncodedPrompt],
    *,
    batch: int = 16,
    progress: Progress | None = None,
) -> list[PromptLogits]:
    """Score prompts in batches of similar length; the answer is in their order, ``[branch][letter]`` for each."""
    found: list[PromptLogits] = [[] for _ in prompts]
    order = sorted(range(len(prompts)), key=lambda i: row_length(prompts[i]))
    checkpoint.model.eval()
    done = 0
    with torch.inference_mode():
        for start in range(0, len(order), batch):
            chosen = order[start : start + batch]
            logits = letter_logits(checkpoint.causal, collate([prompts[i] for i in chosen]).to(checkpoint.device))
            rows = iter(logits.tolist())
            for i in chosen:
                found[i] = [next(rows)[: len(branch.letters)] for branch in prompts[i].branches]
            done += len(chosen)
            if progress is not None:
                progress(done, len(prompts))
    return found


def autocast(device: torch.device) -> contextlib.AbstractContextManager[Any]:
    """Half-precision arithmetic where the hardware makes it faster, else nothing."""
    if fast_bf16(device.type):
        return torch.autocast(device.type, dtype=torch.bfloat16)
    return contextlib.nullcontext()


@cache
def fast_bf16(kind: str) -> bool:
    """Tell whether bf16 is faster than fp32: on recent GPUs, and on CPUs with AVX512-BF16 (or AMX)."""
    if kind == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    try:
        return "avx512_bf16" in Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False

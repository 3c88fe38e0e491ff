"""Hidden states of a checkpoint at the answers: what a cheap head learns from in ``quandary bench acquisition``.

They are read once and kept in a folder by the hash of what they were read from; a later run takes them from there.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import DynamicCache

from models.errors import InputError
from models.item import Item
from models.prompt import Prompt, branch, chat_lines, preamble
from models.question import Question, versions
from models.tokens import EncodedPrompt, encode
from retrain.batch import collate, row_length
from retrain.checkpoint import Checkpoint, load_base
from retrain.lora import weights_hash

BATCH = 16
Hidden = NDArray[np.float32]
"""[n, width] of one question, or [n, questions, width]."""


def hidden_states(base: str, items: Sequence[Item], questions: Sequence[Question], budget: int, work: Path) -> Hidden:
    """Read [n, questions, width] in the order of items and questions, or take them from ``work``.

    Each question is asked in one order of its options; ``budget`` is the longest prompt in tokens.
    Raises InputError where ``work`` holds something else under the name.
    """
    kept = work / f"{Path(base).name}.{_key(base, items, questions, budget)}.npy"
    if kept.exists():
        try:
            found: Hidden = np.load(kept, allow_pickle=False)
        except (OSError, ValueError) as error:
            raise InputError(f"{kept} holds no hidden states ({error}); remove it") from error
        return found
    checkpoint = load_base(base)
    prompts = [encode(_prompt(item, questions), checkpoint.tokenizer, budget) for item in items]
    found = _read(checkpoint, prompts, len(questions))
    aside = kept.with_suffix(".aside.npy")
    work.mkdir(parents=True, exist_ok=True)
    np.save(aside, found, allow_pickle=False)
    aside.replace(kept)
    return found


def _prompt(item: Item, questions: Sequence[Question]) -> Prompt:
    burst = item.burst
    messages, last = chat_lines(burst.text, burst.sender, burst.window)
    branches = tuple(branch(question, tuple(range(len(question.options)))) for question in questions)
    return Prompt(preamble=preamble(questions), messages=messages, burst=last, branches=branches)


def _read(checkpoint: Checkpoint, prompts: Sequence[EncodedPrompt], questions: int) -> Hidden:
    order = sorted(range(len(prompts)), key=lambda i: row_length(prompts[i]))
    model = checkpoint.causal
    found = np.zeros((len(prompts), questions, model.config.hidden_size), dtype=np.float32)
    with torch.inference_mode():
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            batch = collate([prompts[i] for i in chosen]).to(checkpoint.device)
            cache = DynamicCache(config=model.config)
            model.base_model(input_ids=batch.preamble, past_key_values=cache, use_cache=True)
            cache.batch_repeat_interleave(len(chosen))
            hidden = model.base_model(
                input_ids=batch.ids,
                attention_mask=batch.mask,
                position_ids=batch.positions,
                past_key_values=cache,
                use_cache=True,
            ).last_hidden_state
            answers = hidden[batch.rows, batch.columns].float().cpu().numpy()
            found[chosen] = answers.reshape(len(chosen), questions, -1)
    return found


def _key(base: str, items: Sequence[Item], questions: Sequence[Question], budget: int) -> str:
    rows = [(i.burst.text, i.burst.sender, [(m.sender, m.text) for m in i.burst.window]) for i in items]
    told = json.dumps([weights_hash(base), rows, versions(questions), budget], ensure_ascii=False)
    return hashlib.sha256(told.encode("utf-8", "replace")).hexdigest()[:16]

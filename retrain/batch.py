"""Encoded prompts as tensors: a row is one chat with all its branches side by side, so that the chat is read once.

    preamble   computed once for the whole batch, its key-value cache is shared by all rows (as the bot does)
    row        chat tokens | branch 0 | branch 1 | ... | padding

A branch sees the preamble, the chat and itself; its positions start where the chat ends, as if it stood there alone.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from models.errors import ModelError
from models.tokens import EncodedPrompt

PADDING = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """B prompts as tensors. P: preamble length; Q: longest row; N: branches in the batch; K: most options."""

    preamble: Tensor
    """[1, P] token ids."""
    ids: Tensor
    """[B, Q] token ids."""
    positions: Tensor
    """[B, Q] positions, counted from the preamble's first token."""
    mask: Tensor
    """[B, 1, Q, P + Q] True where a token (row) may see another (column)."""
    rows: Tensor
    """[N] the row of each branch."""
    columns: Tensor
    """[N] the column of each branch's last token, after which the answer stands."""
    letters: Tensor
    """[K] token ids of the option letters."""
    offered: Tensor
    """[N, K] True where the branch offers the letter."""

    def to(self, device: torch.device) -> "Batch":
        """Copy to a device."""
        return Batch(
            preamble=self.preamble.to(device),
            ids=self.ids.to(device),
            positions=self.positions.to(device),
            mask=self.mask.to(device),
            rows=self.rows.to(device),
            columns=self.columns.to(device),
            letters=self.letters.to(device),
            offered=self.offered.to(device),
        )


def row_length(prompt: EncodedPrompt) -> int:
    """Tokens of a prompt's row: chat and branches, without the preamble."""
    return len(prompt.chat) + sum(len(branch.ids) for branch in prompt.branches)


def collate(prompts: Sequence[EncodedPrompt]) -> Batch:
    """Lay prompts that share a preamble out as one batch; branches keep the order of the prompts.

    Raises ModelError where the preambles differ, which would make the shared cache wrong.
    """
    preamble = prompts[0].preamble
    if any(prompt.preamble != preamble for prompt in prompts):
        raise ModelError("prompts of one batch must share their preamble; batch the questions' versions apart")
    start, width = len(preamble), max(map(row_length, prompts))
    ids = torch.zeros(len(prompts), width, dtype=torch.long)
    positions = torch.zeros_like(ids)
    nodes = torch.full_like(ids, PADDING)  # 0 is the chat, 1, 2, ... are the branches
    letters = max((branch.letters for prompt in prompts for branch in prompt.branches), key=len)
    rows, columns, offered = [], [], []
    for r, prompt in enumerate(prompts):
        end = len(prompt.chat)
        ids[r, :end] = torch.tensor(prompt.chat)
        positions[r, :end] = torch.arange(start, start + end)
        nodes[r, :end] = 0
        at = end
        for b, branch in enumerate(prompt.branches, start=1):
            stop = at + len(branch.ids)
            ids[r, at:stop] = torch.tensor(branch.ids)
            positions[r, at:stop] = torch.arange(start + end, start + end + len(branch.ids))
            nodes[r, at:stop] = b
            rows.append(r)
            columns.append(stop - 1)
            offered.append([i < len(branch.letters) for i in range(len(letters))])
            at = stop
    return Batch(
        preamble=torch.tensor([preamble]),
        ids=ids,
        positions=positions,
        mask=_mask(nodes, start),
        rows=torch.tensor(rows),
        columns=torch.tensor(columns),
        letters=torch.tensor(letters),
        offered=torch.tensor(offered),
    )


def _mask(nodes: Tensor, preamble: int) -> Tensor:
    """Say who sees whom: [B, Q] nodes -> [B, 1, Q, P + Q]. Padding sees the preamble only, so that no row is empty."""
    rows, width = nodes.shape
    asking, asked = nodes[:, :, None], nodes[:, None, :]
    causal = torch.ones(width, width, dtype=torch.bool).tril()
    within = causal & (asked != PADDING) & (asking != PADDING) & ((asked == 0) | (asked == asking))
    return torch.cat([torch.ones(rows, width, preamble, dtype=torch.bool), within], dim=2)[:, None]


def grouped(lengths: Sequence[int], size: int, seed: int) -> list[list[int]]:
    """Cut positions into batches of about equal length: shuffle by a seed, then sort within pools of 16 batches."""
    rng = random.Random(seed)  # noqa: S311 - shuffling, not secrets
    order = list(range(len(lengths)))
    rng.shuffle(order)
    pool = size * 16
    batches: list[list[int]] = []
    for start in range(0, len(order), pool):
        part = sorted(order[start : start + pool], key=lambda i: lengths[i])
        batches += [part[i : i + size] for i in range(0, len(part), size)]
    rng.shuffle(batches)
    return batches

"""How prompts lie in one decode: pure columns, no llama.cpp.

Every branch is a sequence of its own. A token that several branches read (the chat; the wording with which the orders
of a question begin) stands once and belongs to all of them, so it is computed once. Branches that share a beginning are
neighbours, hence a token's sequences are a range: first and count say it all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from models.tokens import EncodedBranch, EncodedPrompt

Column = NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Tokens in the order in which they are decoded; all columns have one entry a token.

    ``ends[p][b]`` is the row where branch b of prompt p ends; only there are logits wanted.
    """

    tokens: Column
    positions: Column
    first: Column
    """A token's first sequence."""
    count: Column
    """How many sequences, from the first, the token belongs to."""
    ends: tuple[tuple[int, ...], ...]

    @property
    def size(self) -> int:
        """Tokens in all."""
        return len(self.tokens)


@lru_cache(maxsize=16)
def tree(branches: tuple[EncodedBranch, ...]) -> Layout:
    """Lay out the branches of one prompt, positions from 0; a beginning shared with the branch before stands once.

    All bursts have the same branches, so the last few answers are kept.
    """
    tokens: list[int] = []
    positions: list[int] = []
    first: list[int] = []
    count: list[int] = []
    ends: list[int] = []
    before: tuple[int, ...] = ()
    path: list[int] = []
    for sequence, branch in enumerate(branches):
        shared = _shared(before, branch.ids)
        path = path[:shared]
        for row in path:
            count[row] += 1
        for depth in range(shared, len(branch.ids)):
            path.append(len(tokens))
            tokens.append(branch.ids[depth])
            positions.append(depth)
            first.append(sequence)
            count.append(1)
        ends.append(path[-1])
        before = branch.ids
    return Layout(
        tokens=_column(tokens),
        positions=_column(positions),
        first=_column(first),
        count=_column(count),
        ends=(tuple(ends),),
    )


def line(tokens: Sequence[int], sequences: int, start: int = 0) -> Layout:
    """Lay out a run of tokens that the first ``sequences`` sequences all read; nothing is wanted of it."""
    size = len(tokens)
    return Layout(
        tokens=_column(tokens),
        positions=np.arange(start, start + size, dtype=np.int32),
        first=np.zeros(size, dtype=np.int32),
        count=np.full(size, sequences, dtype=np.int32),
        ends=(),
    )


def forest(prompts: Sequence[EncodedPrompt], trees: Sequence[Layout]) -> Layout:
    """Lay out chats and branches of several prompts behind their common preamble; sequences are numbered through.

    ``trees`` are the prompts' branches as ``tree`` lays them out.
    """
    parts: list[Layout] = []
    ends: list[tuple[int, ...]] = []
    rows = sequences = 0
    for prompt, branches in zip(prompts, trees, strict=True):
        own = len(branches.ends[0])
        chat = line(prompt.chat, own, len(prompt.preamble))
        parts += [_moved(chat, sequences), _moved(branches, sequences, len(prompt.preamble) + chat.size)]
        ends.append(tuple(rows + chat.size + end for end in branches.ends[0]))
        rows += chat.size + branches.size
        sequences += own
    return Layout(
        tokens=np.concatenate([part.tokens for part in parts]),
        positions=np.concatenate([part.positions for part in parts]),
        first=np.concatenate([part.first for part in parts]),
        count=np.concatenate([part.count for part in parts]),
        ends=tuple(ends),
    )


def _moved(part: Layout, sequences: int, positions: int = 0) -> Layout:
    return Layout(
        tokens=part.tokens,
        positions=part.positions + np.int32(positions),
        first=part.first + np.int32(sequences),
        count=part.count,
        ends=part.ends,
    )


def _shared(one: Sequence[int], other: Sequence[int]) -> int:
    for depth, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return depth
    return min(len(one), len(other))


def _column(values: Sequence[int]) -> Column:
    return np.array(values, dtype=np.int32)

"""llama.cpp's batch over numpy columns: filled by slices instead of token by token, and allocated once."""

import ctypes

import numpy as np

from models.llama.layout import Layout
from models.llama.library import llama_cpp


class Batch:
    """Room for ``size`` tokens of up to ``sequences`` sequences; ``filled`` points llama.cpp at the columns.

    A token's sequences are a range, so its list of sequence ids is a piece of one ascending column.
    """

    def __init__(self, size: int, sequences: int) -> None:
        self._tokens = np.zeros(size, dtype=np.int32)
        self._positions = np.zeros(size, dtype=np.int32)
        self._counts = np.zeros(size, dtype=np.int32)
        self._lists = np.zeros(size, dtype=np.uintp)
        self._wanted = np.zeros(size, dtype=np.int8)
        self._ascending = np.arange(sequences, dtype=np.int32)
        at = ctypes.POINTER(ctypes.c_int32)
        self._batch = llama_cpp.llama_batch(
            n_tokens=0,
            token=self._tokens.ctypes.data_as(at),
            embd=None,
            pos=self._positions.ctypes.data_as(at),
            n_seq_id=self._counts.ctypes.data_as(at),
            seq_id=self._lists.ctypes.data_as(ctypes.POINTER(at)),
            logits=self._wanted.ctypes.data_as(ctypes.POINTER(ctypes.c_int8)),
        )

    def filled(self, layout: Layout) -> "llama_cpp.llama_batch":
        """The batch with a layout in it, valid until the next call; a layout larger than the room is a ValueError."""
        size = layout.size
        self._tokens[:size] = layout.tokens
        self._positions[:size] = layout.positions
        self._counts[:size] = layout.count
        self._lists[:size] = self._ascending.ctypes.data + layout.first.astype(np.uintp) * self._ascending.itemsize
        self._wanted[:size] = 0
        self._wanted[[row for ends in layout.ends for row in ends]] = 1
        self._batch.n_tokens = size
        return self._batch

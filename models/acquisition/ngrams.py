"""Texts as hashed character n-grams: vectors to tell what is alike from what is new, in any script, without a model.

A text is folded (NFKC, case, spaces). Its n-grams of two to four characters are hashed into WIDTH places; the vector
says which are taken, scaled to length 1.
"""

import unicodedata
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.acquisition.pool import Rows, Vectors

WIDTH = 2048
SIZES = (2, 3, 4)
MAX_CHARS = 500
"""What comes later in a burst is not looked at."""
ALIKE = 0.9
"""Cosine from which two texts are near-duplicates; for vectors of equally many n-grams, a Jaccard index of 0.82."""
_STEP = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio (Knuth's multiplicative hashing)


def vectors(texts: Sequence[str]) -> Vectors:
    """Turn texts into rows [n, WIDTH] of length 1; a text without any character gives a row of zeros."""
    found = np.zeros((len(texts), WIDTH), dtype=np.float32)
    for row, text in enumerate(texts):
        places = _places(text)
        if len(places):
            found[row, places] = 1.0 / np.sqrt(len(places))
    return found


def fold(text: str, most: int | None = MAX_CHARS) -> str:
    """Write texts that differ in case, width or spaces alone the same way; no more than ``most`` characters of it."""
    plain = unicodedata.normalize("NFKC", text if most is None else text[: 4 * most]).casefold()
    return " ".join(plain.split())[:most]


def grams(folded: str) -> NDArray[np.uint64]:
    """Hashes of the n-grams of a folded text, each once, rising; none for a text without any character."""
    if not folded:
        return np.empty(0, dtype=np.uint64)
    codes = np.frombuffer(f" {folded} ".encode("utf-32-le", "replace"), dtype=np.uint32).astype(np.uint64)
    found = []
    for size in SIZES:
        if len(codes) < size:
            break
        mixed = np.full(len(codes) - size + 1, size, dtype=np.uint64)
        for place in range(size):
            mixed = (mixed ^ codes[place : place + len(mixed)]) * _STEP
            mixed ^= mixed >> np.uint64(29)
        found.append(mixed)
    return np.unique(np.concatenate(found))


def distinct(found: Vectors, asked: Vectors) -> Rows:
    """Places of the rows that are no near-duplicate of one asked about, nor of a kept one before them.

    Rows of zeros are like nothing.
    """
    fresh = np.flatnonzero(_closest(found, asked) < ALIKE)
    alike = found[fresh] @ found[fresh].T >= ALIKE
    kept: list[int] = []
    for place in range(len(fresh)):
        if not alike[place, kept].any():
            kept.append(place)
    rows: Rows = fresh[np.array(kept, dtype=np.int64)]
    return rows


def _closest(found: Vectors, asked: Vectors) -> NDArray[np.float32]:
    if not len(asked):
        return np.full(len(found), -1.0, dtype=np.float32)
    best: NDArray[np.float32] = (found @ asked.T).max(axis=1)
    return best


def _places(text: str) -> NDArray[np.uint64]:
    return np.unique(grams(fold(text)) % np.uint64(WIDTH))

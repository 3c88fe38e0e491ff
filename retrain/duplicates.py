"""Texts of one set that say the same as a text of another: exactly, or nearly. Pure, exact, and in any script.

Texts are folded (NFKC, case, spaces). Two are near when the cosine of their sets of character n-grams, the same that
tell near-duplicates apart before people are asked (``models.acquisition.ngrams``), is ALIKE or more; here the n-grams
are neither hashed into few places nor cut off, so nothing unlike ever meets. Texts of fewer than LEAST_LETTERS letters
are like nothing: everybody says "ok" and "thanks a lot".

All pairs are found without comparing all: a pair as near as that shares one of the few rarest n-grams of each (prefix
filtering; Bayardo, Ma and Srikant, "Scaling Up All Pairs Similarity Search", 2007).
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.acquisition.ngrams import ALIKE, fold, grams

LEAST_LETTERS = 20
"""Letters and digits from which a text has something to repeat; a Chinese, Japanese or Korean character is two."""
_SLACK = 1e-9
Grams = NDArray[np.uint64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Copies:
    """Places (rising) of the texts on either side that have an exact copy, or only a near one, on the other."""

    exact: tuple[int, ...]
    near: tuple[int, ...]
    exact_there: tuple[int, ...]
    near_there: tuple[int, ...]

    @property
    def either(self) -> frozenset[int]:
        """Places on the first side that have a copy of any kind."""
        return frozenset(self.exact) | frozenset(self.near)


def copies(here: Sequence[str], there: Sequence[str], *, letters: int = LEAST_LETTERS) -> Copies:
    """Find what two sets of texts have in common; which comes first, and in what order, changes nothing."""
    left, right = _places(here, letters), _places(there, letters)
    same = left.keys() & right.keys()
    near = _near(sorted(left), sorted(right))
    near_left, near_right = {a for a, _ in near} - same, {b for _, b in near} - same
    return Copies(
        exact=_all(left, same),
        near=_all(left, near_left),
        exact_there=_all(right, same),
        near_there=_all(right, near_right),
    )


def telling(folded: str, letters: int = LEAST_LETTERS) -> bool:
    """Tell whether a folded text is long enough that its like is no accident."""
    found = 0
    for character in folded:
        if character.isalnum():
            found += 2 if "\u2e80" <= character <= "\uffef" else 1
            if found >= letters:
                return True
    return False


def _places(texts: Sequence[str], letters: int) -> dict[str, list[int]]:
    found: defaultdict[str, list[int]] = defaultdict(list)
    for place, text in enumerate(texts):
        folded = fold(text, None)
        if telling(folded, letters):
            found[folded].append(place)
    return found


def _all(places: Mapping[str, Sequence[int]], texts: set[str]) -> tuple[int, ...]:
    return tuple(sorted(place for text in texts for place in places[text]))


def _near(left: Sequence[str], right: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs of different texts whose n-grams have a cosine of ALIKE or more."""
    sets = [grams(text) for text in (*left, *right)]
    if not left or not right:
        return []
    known, codes, counts = np.unique(np.concatenate(sets), return_inverse=True, return_counts=True)
    # Rank 0 is the rarest n-gram; equally rare ones by their hash, so that order of texts is nothing to go by.
    ranks = np.empty(len(known), dtype=np.int64)
    ranks[np.lexsort((known, counts))] = np.arange(len(known))
    ranked = [np.sort(ranks[part]) for part in np.split(codes, np.cumsum([len(s) for s in sets])[:-1])]
    ours, theirs = ranked[: len(left)], ranked[len(left) :]
    index: defaultdict[int, list[int]] = defaultdict(list)
    for place, row in enumerate(theirs):
        for rank in row[: _prefix(len(row))].tolist():
            index[rank].append(place)
    found = []
    for place, row in enumerate(ours):
        candidates = {other for rank in row[: _prefix(len(row))].tolist() for other in index.get(rank, ())}
        for other in candidates:
            text, like = left[place], right[other]
            if text != like and _alike(row, theirs[other]):
                found.append((text, like))
    return found


def _prefix(size: int) -> int:
    """How many of a text's rarest n-grams suffice to find all that is near: any such pair shares ALIKE² of them."""
    return size - math.ceil(ALIKE * ALIKE * size - _SLACK) + 1


def _alike(a: NDArray[np.int64], b: NDArray[np.int64]) -> bool:
    least = ALIKE * math.sqrt(len(a) * len(b)) - _SLACK
    if min(len(a), len(b)) < least:
        return False
    return len(np.intersect1d(a, b, assume_unique=True)) >= least

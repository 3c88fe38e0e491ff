import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import retrain.selection.duplicates
from models.acquisition.ngrams import distinct, vectors
from retrain.selection.duplicates import repeated

TEXTS = [
    "any ideas?",
    "Any  ideas?",
    "any ideas",
    "thanks",
    "thanks!",
    "ok",
    "",
    " ",
    "how do I mount a disk",
    "日志在哪里",
]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.sampled_from(TEXTS), max_size=12), st.integers(1, 5))
def test_blocks_find_what_one_comparison_of_all_finds(texts: list[str], block: int) -> None:
    found = vectors(texts)
    order = np.arange(len(texts))
    before, retrain.selection.duplicates.BLOCK = retrain.selection.duplicates.BLOCK, block
    try:
        marked = repeated(found, np.zeros(len(texts), dtype=np.int64), order)
    finally:
        retrain.selection.duplicates.BLOCK = before
    assert np.flatnonzero(~marked).tolist() == distinct(found, found[:0]).tolist()


def test_alike_bursts_with_different_answers_both_stay() -> None:
    found = vectors(["any ideas?", "any ideas?", "any ideas?"])
    assert repeated(found, np.array([0, 1, 0]), np.arange(3)).tolist() == [False, False, True]
    assert repeated(found, np.array([0, 1, 0]), np.array([2, 1, 0])).tolist() == [True, False, False]

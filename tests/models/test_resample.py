import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.metrics import Scored, f1, macro_f1, precision, recall
from models.resample import draws, f1_of, macro_f1_of, precision_of, recall_of, tables


def made(seed: int, n: int, conversations: int) -> Scored:
    rng = np.random.default_rng(seed)
    return Scored(
        gold=(rng.random(n) < 0.4).astype(float),
        positive=rng.random(n),
        weight=rng.choice([1.0, 2.5, 7.0], n),
        sure=np.zeros(n),
        cluster=rng.integers(conversations, size=n),
    )


@given(st.integers(0, 1000), st.integers(1, 60), st.integers(1, 8))
def test_summed_tables_give_the_figures_of_the_rows(seed: int, n: int, conversations: int) -> None:
    s = made(seed, n, conversations)
    whole = tables(s).sum(axis=0)
    for fast, slow in ((precision_of, precision), (recall_of, recall), (f1_of, f1), (macro_f1_of, macro_f1)):
        assert float(fast(whole)) == pytest.approx(slow(s))
    assert tables(s, weighted=False).sum() == n


@given(st.integers(0, 1000))
def test_a_draw_is_what_taking_its_conversations_would_give(seed: int) -> None:
    s = made(seed, 40, 5)
    rng = np.random.default_rng(seed)
    names = np.unique(s.cluster)
    [times] = draws(len(names), 1, rng)
    rows = np.concatenate([np.flatnonzero(s.cluster == c) for c, t in zip(names, times, strict=True) for _ in range(t)])
    assert float(macro_f1_of(times @ tables(s))) == pytest.approx(macro_f1(s.take(rows)))
    assert times.sum() == len(names)

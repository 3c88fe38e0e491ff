import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score, precision_score, recall_score
from sklearn.metrics import log_loss as sk_log_loss

from models.metrics import (
    Scored,
    calibration_error,
    clusters,
    f1,
    interval,
    log_loss,
    macro_f1,
    precision,
    recall,
    side_error,
    summary,
)


def scored(gold: list[int], positive: list[float], weight: list[float] | None = None, sure: list[int] | None = None):
    n = len(gold)
    return Scored(
        gold=np.array(gold, float),
        positive=np.array(positive, float),
        weight=np.array(weight or [1.0] * n),
        sure=np.array(sure or [0] * n, float),
        cluster=np.arange(n) // 2,
    )


@given(st.lists(st.tuples(st.booleans(), st.floats(0.01, 0.99), st.floats(0.1, 9)), min_size=4, max_size=40))
def test_figures_agree_with_scikit_learn(rows: list[tuple[bool, float, float]]) -> None:
    gold, positive, weight = ([row[i] for row in rows] for i in range(3))
    s = scored([int(g) for g in gold], positive, weight)
    said = [p >= 0.5 for p in positive]
    options = {"sample_weight": weight, "zero_division": 0.0}
    assert precision(s) == pytest.approx(precision_score(gold, said, **options))
    assert recall(s) == pytest.approx(recall_score(gold, said, **options))
    assert f1(s) == pytest.approx(f1_score(gold, said, **options))
    assert macro_f1(s) == pytest.approx(f1_score(gold, said, average="macro", labels=[False, True], **options))
    assert log_loss(s) == pytest.approx(sk_log_loss(gold, positive, sample_weight=weight, labels=[False, True]))


def test_calibration_error_of_known_cases() -> None:
    assert calibration_error(scored([1, 1, 1, 0], [0.75] * 4)) == pytest.approx(0.0)
    assert calibration_error(scored([0, 0, 0, 0], [0.95] * 4)) == pytest.approx(0.95)


def test_sides_count_only_what_was_acted_on() -> None:
    s = scored([1, 0, 0, 1], [0.9, 0.9, 0.1, 0.1], sure=[1, 1, -1, 0])
    assert side_error(s, 1) == pytest.approx(0.5)
    assert side_error(s, -1) == pytest.approx(0.0)
    assert side_error(scored([1], [0.5]), 1) is None
    assert summary(s)["ask_rate"] == pytest.approx(0.25)


def test_the_interval_covers_the_figure_and_follows_the_seed() -> None:
    rng = np.random.default_rng(1)
    gold = rng.integers(0, 2, 60).tolist()
    s = scored(gold, [0.8 if g else 0.4 for g in gold[:50]] + [0.3] * 10)
    low, high = interval(f1, s, np.random.default_rng(0))
    assert low <= f1(s) <= high
    assert (low, high) == interval(f1, s, np.random.default_rng(0))


def test_conversations_are_numbered_by_appearance() -> None:
    assert clusters(["b", "a", "b"]).tolist() == [0, 1, 0]

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.metrics import Scored, macro_f1
from retrain.bench.contest import AT_PRECISION, contest, recall_at


def columns(rng: np.random.Generator, n: int = 300, conversations: int = 20) -> Scored:
    return Scored(
        gold=(rng.random(n) < 0.4).astype(float),
        positive=np.zeros(n),
        weight=rng.choice([1.0, 5.0], n),
        sure=np.zeros(n),
        cluster=rng.integers(conversations, size=n),
    )


def noisy(rng: np.random.Generator, gold: np.ndarray, strength: float) -> np.ndarray:
    return 1 / (1 + np.exp(-(strength * (2 * gold - 1) + rng.normal(0, 1, len(gold)))))


def test_a_better_model_is_surely_better_and_itself_is_no_better_than_itself() -> None:
    rng = np.random.default_rng(0)
    rows = columns(rng)
    weak, strong = noisy(rng, rows.gold, 0.4), noisy(rng, rows.gold, 2.0)
    plain, natural = contest(rows, {"rule": np.round(weak), "learner": weak, "m": strong, "n": weak}, rng)
    assert (plain.counting, natural.counting) == ("plain", "natural")
    found = {(d.contender, d.peer, d.figure): d.estimate for d in plain.differences}
    low, high = found["m", "learner", "macro_f1"].interval
    assert 0 < low < found["m", "learner", "macro_f1"].value < high
    assert found["n", "learner", "macro_f1"].interval == (0.0, 0.0)
    assert found["m", "rule", AT_PRECISION].interval[0] > 0
    assert plain.figures["m"]["macro_f1"].value != natural.figures["m"]["macro_f1"].value
    exact = Scored(gold=rows.gold, positive=strong, weight=rows.weight, sure=rows.sure, cluster=rows.cluster)
    assert natural.figures["m"]["macro_f1"].value == pytest.approx(macro_f1(exact))


def test_three_rooms_give_no_interval() -> None:
    rng = np.random.default_rng(0)
    rows = columns(rng, conversations=3)
    views = contest(rows, {"learner": noisy(rng, rows.gold, 1), "m": noisy(rng, rows.gold, 1)}, rng)
    for view in views:
        assert all(e.interval is None for figures in view.figures.values() for e in figures.values())
        assert all(d.estimate.interval is None for d in view.differences)
        assert AT_PRECISION not in view.figures["m"], "without a rule there is no precision to compare at"


@given(st.integers(0, 500), st.floats(0, 1))
def test_recall_at_a_precision_is_what_the_best_threshold_gives(seed: int, precision: float) -> None:
    rng = np.random.default_rng(seed)
    gold, weight = (rng.random(30) < 0.5).astype(float), rng.choice([1.0, 3.0], 30)
    positive = np.round(rng.random(30), 1)
    best = 0.0
    for t in positive:
        called = positive >= t
        right = (weight * gold)[called].sum()
        if right >= precision * weight[called].sum() - 1e-9:
            best = max(best, right / max((weight * gold).sum(), 1e-9))
    assert recall_at(gold, positive, weight, precision) == pytest.approx(best)

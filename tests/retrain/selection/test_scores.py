import numpy as np
import pytest

from models.ids import BurstId
from retrain.selection.losses import Losses
from retrain.selection.scores import emptiness, ifd, learnability, rank_correlation


def losses(base: list[float], reference: list[float], blank: list[float]) -> Losses:
    n = len(base)
    return Losses(
        ids=tuple(BurstId(str(i)) for i in range(n)),
        answer=np.zeros(n, dtype=np.int64),
        base=np.array(base),
        reference=np.array(reference),
        untuned=np.array(base),
        blank=np.array(blank),
        margin=np.zeros(n),
        vectors=np.zeros((n, 4), dtype=np.float32),
    )


def test_the_formulas() -> None:
    found = losses([1.0, 0.5, 0.0], [0.25, 1.0, 0.0], [1.25, 0.25, 1.0])
    assert learnability(found).tolist() == pytest.approx([0.75, -1.0, 1.0])
    assert ifd(found).tolist() == pytest.approx([0.8, 2.0, 0.0])


def test_ifd_says_where_it_carries_nothing() -> None:
    rng = np.random.default_rng(0)
    base, reference = rng.gamma(1.0, 1.0, 50), rng.gamma(1.0, 1.0, 50)
    told = emptiness(losses(base.tolist(), reference.tolist(), [1.0986] * 50))
    assert len(told) == 1
    assert "IFD carries nothing of its own" in told[0]
    assert "rank correlation 1.00" in told[0]
    several = rng.choice([0.1, 3.0], 50)
    assert emptiness(losses(base.tolist(), reference.tolist(), several.tolist())) == ()


def test_learnability_says_where_the_untuned_model_tells_it_nothing() -> None:
    rng = np.random.default_rng(0)
    told = emptiness(losses([1.0986] * 50, rng.gamma(1.0, 1.0, 50).tolist(), rng.choice([0.1, 3.0], 50).tolist()))
    assert any("learnability orders labels as a small tuned loss alone" in line for line in told)


def test_too_few_labels_say_nothing() -> None:
    assert emptiness(losses([1.0], [1.0], [1.0])) == ()


def test_rank_correlation_is_spearmans() -> None:
    assert rank_correlation(np.array([1.0, 2.0, 3.0]), np.array([10.0, 20.0, 90.0])) == pytest.approx(1.0)
    assert rank_correlation(np.array([1.0, 2.0, 3.0]), np.array([3.0, 2.0, 1.0])) == pytest.approx(-1.0)
    assert rank_correlation(np.array([1.0, 2.0, 2.0, 4.0]), np.array([1.0, 3.0, 2.0, 4.0])) == pytest.approx(
        0.9487, abs=1e-3
    )

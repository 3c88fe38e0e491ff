import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.acquisition.choice import choose, strategy_for
from models.acquisition.ngrams import vectors
from models.acquisition.pool import Pool, View
from models.acquisition.scores import by_disagreement, by_entropy, by_margin, summed
from models.acquisition.strategies import STRATEGIES
from models.settings import AskSettings

RNG = np.random.default_rng(0)


def pool_of(chances, texts=None, asked=(), applies=None):
    """A pool with one question; ``chances`` [m, n] are probabilities of its first of two options."""
    first = np.array(chances, dtype=float)
    n = first.shape[1]
    view = View(
        chances=np.stack([first, 1 - first], axis=-1), applies=np.ones(n) if applies is None else np.array(applies)
    )
    texts = [f"{chr(97 + i) * 3} {chr(65 + i) * 5}" for i in range(n)] if texts is None else texts
    return Pool(views=(view,), vectors=vectors(texts), asked=vectors(list(asked)))


def test_settings_offer_exactly_the_strategies_there_are():
    assert set(AskSettings.model_fields["strategy"].annotation.__args__) == set(STRATEGIES)


def test_margin_and_entropy_pick_the_least_sure_first():
    pool = pool_of([[0.9, 0.52, 0.3, 0.45]])
    for name in ("margin", "entropy"):
        assert STRATEGIES[name](pool, 2, RNG) == (1, 3)


def test_a_question_counts_by_the_chance_that_it_applies():
    pool = pool_of([[0.5, 0.6]], applies=[0.1, 1.0])
    assert STRATEGIES["margin"](pool, 1, RNG) == (1,)
    assert summed(pool, by_margin).tolist() == pytest.approx([0.1, 0.8])


def test_a_committee_looks_for_disagreement_and_not_for_doubt():
    pool = pool_of([[0.5, 0.9, 0.8], [0.5, 0.1, 0.8]])
    assert STRATEGIES["committee"](pool, 1, RNG) == (1,)
    assert by_disagreement(pool.views[0].chances)[2] == pytest.approx(0.0)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.lists(st.floats(0, 1), min_size=8, max_size=8))
def test_scores_of_a_question_lie_between_0_and_1(first, second):
    pool = pool_of([first, second[: len(first)]])
    for score in (by_margin, by_entropy, by_disagreement):
        found = score(pool.views[0].chances)
        assert found.min() >= -1e-9
        assert found.max() <= 1 + 1e-9


def test_diversity_goes_away_from_what_was_asked_about():
    texts = ["how do I mount a disk", "how do I mount a disc?", "谁有空帮我看一下", "the driver crashes"]
    pool = pool_of([[0.5] * 4], texts, asked=["how can I mount a disk", "my driver crashes often"])
    assert STRATEGIES["diversity"](pool, 1, RNG) == (2,)


def test_diversity_begins_with_what_is_typical_and_then_covers():
    texts = ["mount disk one", "mount disk two", "mount disk six", "zzz qqq", "mount disk ten"]
    picked = STRATEGIES["diversity"](pool_of([[0.5] * 5], texts), 2, RNG)
    assert picked[0] != 3
    assert picked[1] == 3


def test_the_mix_takes_what_is_new_among_what_is_unsure():
    texts = ["mount disk one", "mount disk two", "quite another matter", "entirely elsewhere"]
    pool = pool_of([[0.5, 0.51, 0.52, 0.99]], texts * 1, asked=["mount disk six"])
    shortlisted = pool.take(np.array([0, 1, 2]))
    assert STRATEGIES["mixed"](shortlisted, 1, RNG) == (2,)
    many = pool_of([[0.5] * 5 + [0.99] * 5], asked=["aaa AAAAA"])
    assert set(STRATEGIES["mixed"](many, 1, RNG)) <= {1, 2, 3, 4}


@given(st.integers(0, 12), st.integers(0, 12), st.sampled_from(sorted(STRATEGIES)), st.integers(0, 9))
def test_every_strategy_picks_so_many_different_bursts_or_all(n, count, name, seed):
    pool = pool_of(np.random.default_rng(seed).random((2, n)))
    picked = STRATEGIES[name](pool, count, np.random.default_rng(seed))
    assert len(set(picked)) == len(picked) == min(n, count)
    assert set(picked) <= set(range(n))
    assert picked == STRATEGIES[name](pool, count, np.random.default_rng(seed))


def test_chance_is_even_and_its_probability_is_told():
    pool = pool_of([[0.5] * 4])
    rng = np.random.default_rng(3)
    picks = [choose(pool, 1, "random", rng) for _ in range(800)]
    assert {p.probability for p in picks} == {0.25}
    counts = np.bincount([p.rows[0] for p in picks], minlength=4)
    assert counts.min() > 140
    assert choose(pool, 1, "margin", rng).probability == 1.0


def test_near_duplicates_are_asked_once():
    texts = ["Any ideas?", "any  IDEAS?", "how do I mount a disk", "unasked and new"]
    pool = pool_of([[0.5, 0.5, 0.5, 0.9]], texts, asked=["how do i mount a disk"])
    assert set(choose(pool, 4, "margin", RNG).rows) == {0, 3}


def test_what_is_audited_anyway_is_picked_on_the_way_and_does_not_count():
    pool = pool_of([[0.5, 0.55, 0.6, 0.65, 0.99]])
    audited = [True, False, True, False, False]
    assert choose(pool, 2, "margin", RNG, audited).rows == (0, 1, 2, 3)
    assert choose(pool, 2, "random", RNG, audited).probability == pytest.approx(2 / 3)


def test_cold_start_is_by_diversity_and_leaves_chance_alone():
    assert strategy_for("margin", 49, 50) == "diversity"
    assert strategy_for("margin", 50, 50) == "margin"
    assert strategy_for("random", 0, 50) == "random"

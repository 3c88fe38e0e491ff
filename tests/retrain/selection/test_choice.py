from collections import Counter
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.acquisition.ngrams import vectors
from models.ids import BurstId
from models.selection import Why
from models.settings import TrainSettings
from retrain.selection.choice import Plan, choose, size
from retrain.selection.losses import Losses
from retrain.selection.methods import METHODS, RANDOM
from retrain.selection.quotas import Balance, quotas

TEXTS = ("any ideas?", "it works now", "how do I mount it", "thanks", "where is the log file kept", "no idea, sorry")
ENTIRE = tuple(name for name in METHODS if name != "all")


def made(n: int, seed: int = 0, *, texts: tuple[str, ...] = TEXTS) -> Losses:
    rng = np.random.default_rng(seed)
    return Losses(
        ids=tuple(BurstId(f"b{i:03}") for i in range(n)),
        answer=rng.integers(0, 3, n),
        base=rng.gamma(1.0, 0.7, n),
        reference=rng.gamma(1.0, 0.5, n),
        untuned=rng.gamma(1.0, 0.7, n),
        blank=rng.choice([0.9, 1.1, 1.3], n),
        margin=rng.random(n),
        vectors=vectors([f"{texts[i % len(texts)]} {'' if i < len(texts) else i * 7919}" for i in range(n)]),
    )


labels = st.builds(made, st.integers(1, 40), st.integers(0, 1000))
plans = st.builds(
    Plan,
    method=st.sampled_from(sorted(METHODS)),
    share=st.floats(0.01, 1.0),
    drop_near_duplicates=st.booleans(),
    balance=st.sampled_from(get_args(Balance)),
    seed=st.integers(0, 5),
)


@settings(deadline=None, max_examples=60)
@given(labels, plans)
def test_a_share_keeps_its_word_unless_near_duplicates_leave_fewer(losses: Losses, plan: Plan) -> None:
    choice = choose(losses, plan)
    assert set(choice.kept) <= set(losses.ids)
    assert len(choice.why) == len(losses)
    asked = size(len(losses), plan.share)
    left = len(losses) - sum(why is Why.DUPLICATE for why in choice.why)
    assert len(choice.kept) == min(asked, left)
    assert plan.drop_near_duplicates or left == len(losses)


@settings(deadline=None, max_examples=40)
@given(labels, plans, st.randoms(use_true_random=False))
def test_the_order_in_which_labels_come_plays_no_part(losses: Losses, plan: Plan, random) -> None:
    rows = list(range(len(losses)))
    random.shuffle(rows)
    other = choose(losses.take(np.array(rows, dtype=np.int64)), plan)
    assert dict(zip(other.ids, other.why, strict=True)) == dict(zip(losses.ids, choose(losses, plan).why, strict=True))


@settings(deadline=None, max_examples=20)
@given(labels, plans)
def test_all_labels_are_kept_at_the_whole_share(losses: Losses, plan: Plan) -> None:
    whole = Plan(method=plan.method, share=1.0, balance=plan.balance, seed=plan.seed)
    assert choose(losses, whole).kept == losses.ids


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=4), st.integers(0, 90))
def test_quotas_fill_the_count_with_what_is_there(counts: list[tuple[int, int]], count: int) -> None:
    there = np.array([a for a, _ in counts])
    whole = there + np.array([b for _, b in counts])
    for balance in ("rates", "even"):
        taken = quotas(there, whole, count, balance)
        assert taken.sum() == min(count, there.sum())
        assert (taken >= 0).all()
        assert (taken <= there).all()


def test_rates_stay_and_even_takes_as_many_of_each() -> None:
    there = np.array([75, 20, 5])
    assert quotas(there, there, 20, "rates").tolist() == [15, 4, 1]
    assert quotas(there, there, 30, "even").tolist() == [13, 12, 5]


@pytest.mark.parametrize("balance", get_args(Balance))
def test_another_seed_draws_others_and_the_same_the_same(balance: Balance) -> None:
    losses = made(40)
    drawn = [choose(losses, Plan(method=RANDOM, share=0.3, balance=balance, seed=s)).kept for s in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_of_near_duplicates_with_the_same_answer_one_is_kept() -> None:
    losses = made(5, texts=("how do I mount it?", "How do I  MOUNT it?", "how do i mount it?", "thanks a lot", "hm"))
    same = Losses(
        ids=losses.ids,
        answer=np.array([0, 0, 1, 1, 1]),
        base=losses.base,
        reference=losses.reference,
        untuned=losses.untuned,
        blank=losses.blank,
        margin=np.array([0.9, 0.1, 0.5, 0.5, 0.5]),
        vectors=losses.vectors,
    )
    choice = choose(same, Plan(method="margin", drop_near_duplicates=True))
    assert choice.why == (Why.DUPLICATE, Why.KEPT, Why.KEPT, Why.KEPT, Why.KEPT)


def columns(**given: list[float]) -> Losses:
    n = len(given["base"])
    filled = {"reference": [0.3] * n, "blank": [1.0] * n, "margin": [0.5] * n, "untuned": given["base"]} | given
    arrays = {name: np.array(values) for name, values in filled.items()}
    ids = tuple(BurstId(str(i)) for i in range(n))
    answer = np.zeros(n, dtype=np.int64)
    return Losses(ids=ids, answer=answer, vectors=vectors([str(i) * 5 for i in range(n)]), **arrays)


def test_learnability_takes_what_tuning_taught_before_what_is_easy_or_hard() -> None:
    losses = columns(base=[0.01, 2.0, 0.6, 1.2], reference=[0.001, 0.8, 0.1, 0.1])
    choice = choose(losses, Plan(method="learnability", share=0.5))
    assert choice.why == (Why.EASY, Why.HARD, Why.KEPT, Why.KEPT)
    three = choose(losses, Plan(method="learnability", share=0.75))
    assert three.why[0] is Why.KEPT, "the share is filled from what was set back, the more learnable first"


def test_ifd_takes_the_highest_that_is_not_misled() -> None:
    choice = choose(columns(base=[0.9, 1.4, 0.2, 0.5]), Plan(method="ifd", share=0.5))
    assert choice.why == (Why.KEPT, Why.MISLED, Why.SHARE, Why.KEPT)


def test_every_method_ranks_every_label_once() -> None:
    losses = made(30)
    for method in METHODS.values():
        ranking = method(losses, np.random.default_rng(0))
        assert Counter(ranking.order.tolist()) == Counter(range(30))


def test_the_settings_offer_what_the_table_has() -> None:
    offered = TrainSettings.model_fields["select"].annotation
    assert set(get_args(offered)) == set(METHODS)
    assert TrainSettings().select == "all"
    assert set(get_args(TrainSettings.model_fields["balance"].annotation)) == set(get_args(Balance))

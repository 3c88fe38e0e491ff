"""Labels that are wrong rank high, whatever the order of rows; honest annotators are left in peace."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.ids import BurstId, OptionId
from models.store.suspects import Annotators
from models.suspects import Reason
from retrain.bench.suspects import auc
from retrain.confident import confident_issues
from retrain.outliers import tallies
from retrain.peer import cross_fit, fold_of, folded, out_of_fold
from retrain.stack import stacked
from retrain.suspecting import weighings
from retrain.suspects import Opinions, noise_rates, suspicion, weigh
from tests.retrain.conftest import IS_QUESTION, make_item
from tests.retrain.ladders import made_ladder


def opinions(rng: np.random.Generator, rows: int = 600, flips: float = 0.1, strength: float = 4.0) -> tuple:
    """Labels with flips among them, and two rungs and a learner that know more or less what is right."""
    right = (rng.random(rows) < 0.6).astype(float)
    wrong = rng.random(rows) < flips
    odds = strength * (2 * right - 1) + rng.normal(0, 2, (3, rows))
    chances = 1 / (1 + np.exp(-odds))
    made = Opinions(
        question=IS_QUESTION,
        ids=tuple(BurstId(f"b{i:04}") for i in range(rows)),
        conversations=tuple(f"room#{i // 10}" for i in range(rows)),
        given=np.where(wrong, 1 - right, right),
        annotators=tuple((f"a{i}",) for i in rng.integers(5, size=rows)),
        upper=chances[:2],
        peer=chances[2],
    )
    return made, wrong


def shuffled(made: Opinions, order: list[int]) -> Opinions:
    return replace(
        made,
        ids=tuple(made.ids[i] for i in order),
        conversations=tuple(made.conversations[i] for i in order),
        given=made.given[order],
        annotators=tuple(made.annotators[i] for i in order),
        upper=made.upper[:, order],
        peer=made.peer[order],
    )


@given(
    chance=st.lists(st.floats(0.01, 0.99), min_size=2, max_size=40),
    rates=st.tuples(st.floats(0.005, 0.45), st.floats(0.005, 0.45)),
    said=st.integers(0, 2**40 - 1),
    which=st.integers(0, 39),
)
def test_flipping_a_label_against_the_predictors_makes_it_more_suspect(chance, rates, said, which) -> None:
    likely = np.array(chance)
    labels = np.array([float(said >> i & 1) for i in range(len(chance))])
    row = which % len(chance)
    rate_no, rate_yes = rates
    right = (likely[row] - rate_yes) / max(1 - rate_yes - rate_no, 1e-3)
    agreeing, against = labels.copy(), labels.copy()
    agreeing[row], against[row] = float(right >= 0.5), float(right < 0.5)
    before, after = suspicion(agreeing, likely, rates), suspicion(against, likely, rates)
    assert ((after > 0) & (after < 1)).all()
    # Odds of being wrong are rate x odds of the other answer; rates below .45 do not turn the predictors' word around.
    if abs(right - 0.5) > 0.4:
        assert after[row] > before[row]
        assert (after > after[row]).sum() <= (before > before[row]).sum()  # its rank rises, or is the first already
    others = np.arange(len(chance)) != row
    assert (after[others] == before[others]).all()


@settings(max_examples=3, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_order_of_rows_plays_no_part(seed) -> None:
    rng = np.random.default_rng(seed)
    made, _ = opinions(rng, rows=80)
    assert weigh(shuffled(made, rng.permutation(80).tolist())) == weigh(made)


@settings(max_examples=3, deadline=None)
@given(seed=st.integers(0, 10_000), row=st.integers(0, 299))
def test_flipping_a_confident_item_raises_its_rank(seed, row) -> None:
    made, wrong = opinions(np.random.default_rng(seed), rows=300, flips=0.05, strength=8.0)
    if wrong[row]:
        return
    given_now = made.given.copy()
    given_now[row] = 1 - given_now[row]

    def place(of: Opinions) -> int:
        return next(i for i, w in enumerate(weigh(of).ranked) if w.burst == made.ids[row])

    assert place(replace(made, given=given_now)) < place(made)


@pytest.mark.parametrize("flips", [0.05, 0.1, 0.2])
def test_what_is_suspect_is_wrong_far_more_often_than_chance_and_the_rates_are_found(flips) -> None:
    made, wrong = opinions(np.random.default_rng(1), rows=2000, flips=flips)
    found = weigh(made)
    bad = dict(zip(made.ids, wrong.tolist(), strict=True))
    sent = [w for w in found.ranked if w.suspicion >= 0.5]
    right = sum(bad[w.burst] for w in sent)
    assert right / len(sent) > 0.75
    assert right / wrong.sum() > 0.75
    assert found.rate_no == pytest.approx(flips, abs=0.06)  # a little too high, as it says
    assert found.rate_yes == pytest.approx(flips, abs=0.06)
    assert auc(np.array([w.suspicion for w in found.ranked]), np.array([bad[w.burst] for w in found.ranked])) > 0.95
    worst = found.ranked[0]
    assert {Reason.RUNGS, Reason.CONFIDENT} <= set(worst.reasons)
    assert {worst.given, worst.suspected} == {"yes", "no"}
    assert not any(tally.outlier for tally in found.tallies)


def test_a_biased_annotator_is_found_in_their_direction_and_their_labels_rank_higher() -> None:
    made, _ = opinions(np.random.default_rng(2), rows=1500, flips=0.0)
    mine = np.array([row == ("a0",) for row in made.annotators])
    harsh = np.random.default_rng(3).random(1500) < 0.4
    biased = replace(made, given=np.where(mine & harsh, 0.0, made.given))
    found = weigh(biased)
    assert [(t.annotator, t.against) for t in found.tallies if t.outlier] == [("a0", 0)]
    nameless = weigh(replace(biased, annotators=((),) * 1500))
    named = {w.burst: w for w in found.ranked}
    for before in nameless.ranked:
        after = named[before.burst]
        theirs = mine[made.ids.index(before.burst)] and before.given == "no"
        assert (Reason.ANNOTATOR in after.reasons) == theirs
        if theirs:
            assert after.suspicion > before.suspicion
        elif not mine[made.ids.index(before.burst)]:
            assert after.suspicion == before.suspicion


def test_honest_annotators_are_rarely_blamed() -> None:
    """Twenty annotators who are all alike, in thirty worlds: about one in twenty may blame any, as Holm has it."""
    rng = np.random.default_rng(4)
    blamed = 0
    for _ in range(30):
        chance = rng.beta(0.5, 0.5, 1000)
        labels = (rng.random(1000) < chance).astype(float)
        names = [(f"a{i}",) for i in rng.integers(20, size=1000)]
        blamed += any(t.outlier for t in tallies(labels, chance, names))
    assert blamed <= 4  # of a binomial(30, .05): more than four has a chance of 1 in 60


def test_few_labels_blame_nobody() -> None:
    labels, chance = np.zeros(19), np.full(19, 0.99)
    assert tallies(labels, chance, [("ann",)] * 19) == []


def test_a_label_plays_no_part_in_the_weights_it_is_judged_by() -> None:
    rng = np.random.default_rng(5)
    made, _ = opinions(rng, rows=200)
    inside = np.array([name == "room#3" for name in made.conversations])
    turned = np.where(inside, 1 - made.given, made.given)
    before = stacked(made.given, made.upper, made.conversations)
    after = stacked(turned, made.upper, made.conversations)
    assert before[inside] == pytest.approx(after[inside], abs=1e-12)


def test_stacking_makes_overconfident_scores_mean_what_they_say() -> None:
    rng = np.random.default_rng(6)
    odds = rng.normal(0, 2, 4000)
    labels = (rng.random(4000) < 1 / (1 + np.exp(-odds))).astype(float)
    boasted = 1 / (1 + np.exp(-3 * odds))
    fitted = stacked(labels, boasted[None], [f"c{i // 10}" for i in range(4000)])
    assert fitted == pytest.approx(1 / (1 + np.exp(-odds)), abs=0.06)


@pytest.mark.parametrize("answer", [0.0, 1.0])
def test_labels_of_one_answer_are_no_more_suspect_one_than_the_other(answer) -> None:
    made, _ = opinions(np.random.default_rng(7), rows=60)
    found = weigh(replace(made, given=np.full(60, answer)))
    assert all(w.suspicion < 0.5 and w.reasons == () for w in found.ranked)


def test_confident_learning_finds_planted_labels_and_says_nothing_of_too_few() -> None:
    made, wrong = opinions(np.random.default_rng(8), rows=500, flips=0.1, strength=6.0)
    flagged = confident_issues(made.given, made.peer)
    assert wrong[flagged].mean() > 0.6
    assert wrong[flagged].sum() / wrong.sum() > 0.7
    few = np.array([1.0, 0, 0, 0, 1.0, 1.0])
    assert not confident_issues(few, np.full(6, 0.5)).any()


def test_noise_rates_of_nothing_are_finite() -> None:
    assert all(0 < rate < 0.5 for rate in noise_rates(np.ones(1), np.array([0.9])))


def test_features_prepared_once_give_the_cheap_learners_own_scores() -> None:
    items = [make_item(i) for i in range(80)]
    gold = np.array([item.answers[IS_QUESTION.id] == "yes" for item in items], dtype=float)
    found = out_of_fold(gold, folded(items, 3))
    assert ((found > 0.5) == (gold > 0.5)).all()
    assert ((cross_fit(IS_QUESTION, items, 3).positive > 0.5) == (found > 0.5)).all()
    one = [replace(item, conversation="one") for item in items]
    assert out_of_fold(gold, folded(one, 3)) == pytest.approx([0.5] * 80)


def test_the_cycle_weighs_what_the_ladder_was_cross_fitted_on() -> None:
    ladder = made_ladder(np.random.default_rng(9), (0.1, 0.2, 0.3), (2.0, 3.0, 4.0), items=120)
    rows = []
    for i, gold in enumerate(ladder.tuned[-1].gold):
        item = make_item(i, conversation=ladder.tuned[-1].conversations[i])
        burst = replace(item.burst, id=BurstId(str(i)), text="how do I?" if gold == 0 else "done, thanks")
        rows.append(replace(item, burst=burst, answers={IS_QUESTION.id: OptionId("no" if gold else "yes")}))
    rows[7] = replace(
        rows[7], answers={IS_QUESTION.id: OptionId("no" if rows[7].answers[IS_QUESTION.id] == "yes" else "yes")}
    )
    held = [replace(make_item(900), answers={IS_QUESTION.id: OptionId("yes")})]  # no rung read it: calibration or gate
    who: Annotators = {(BurstId("7"), IS_QUESTION.id, rows[7].answers[IS_QUESTION.id]): ("ann",)}
    [found] = weighings([ladder], [*rows, *held], who)
    assert {w.burst for w in found.ranked} == {BurstId(str(i)) for i in range(120)}
    assert found.ranked[0].burst == "7"
    assert weighings([ladder], rows[:40], who) == []  # too few to be held against anybody


def test_conversations_that_a_hash_puts_into_one_fold_are_dealt_out() -> None:
    names = [name for name in (f"c{i}" for i in range(200)) if fold_of(name, 5) == 0]
    given = np.tile([1.0, 0.0], 4 * len(names))
    found = stacked(given, np.clip(given, 0.2, 0.8)[None], [name for name in names for _ in range(8)])
    assert ((found > 0.5) == (given > 0.5)).all(), "rows set aside by the same hash told nothing"

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.calibration import sure_option
from models.ids import BurstId
from models.scoring import distribution
from retrain.calibrate import fit_question, fit_side, fit_temperature, least_count, upper_bound
from retrain.judged import Judged, gold_log_probability, judged, log_probabilities, scored
from tests.retrain.conftest import IS_QUESTION, NEEDS_CONTEXT, make_item


def rows_of(scores: np.ndarray, gold: np.ndarray) -> Judged:
    names = tuple(f"c{i // 5}" for i in range(len(gold)))
    return Judged(
        question=IS_QUESTION,
        scores=scores,
        gold=gold,
        weight=np.ones(len(gold)),
        conversations=names,
        ids=tuple(BurstId(str(i)) for i in range(len(gold))),
    )


def drawn(rng: np.random.Generator, n: int, sharpness: float = 4.0) -> tuple[np.ndarray, np.ndarray]:
    """Scores whose two sides are calibrated at temperature 1, and labels drawn from them; nobody abstains."""
    logit = rng.normal(0, sharpness, n)
    p = 1 / (1 + np.exp(-logit))
    gold = (rng.random(n) >= p).astype(np.int64)
    scores = np.stack([np.log(p + 1e-12), np.log(1 - p + 1e-12), np.full(n, -30.0)], axis=1)
    return scores, gold


@pytest.mark.parametrize(("errors", "risk", "count"), [(0, 0.05, 59), (1, 0.05, 93), (0, 0.1, 29), (1, 0.1, 46)])
def test_the_known_figures(errors: int, risk: float, count: int) -> None:
    assert least_count(errors, risk, 0.95) == count
    assert upper_bound(errors, count, 0.95) <= risk < upper_bound(errors, count - 1, 0.95)


@given(st.integers(0, 20), st.floats(0.02, 0.4), st.floats(0.6, 0.99))
def test_least_count_is_where_the_exact_bound_crosses(errors: int, risk: float, confidence: float) -> None:
    count = least_count(errors, risk, confidence)
    assert upper_bound(errors, count, confidence) <= risk + 1e-9
    assert upper_bound(errors, count - 1, confidence) > risk - 1e-9


@given(st.lists(st.booleans(), max_size=150), st.floats(0.05, 0.3))
def test_a_side_acts_or_says_what_it_needs(wrong: list[bool], risk: float) -> None:
    side = fit_side(wrong, risk, 0.95)
    if side.accepted:
        assert upper_bound(sum(wrong[: side.accepted]), side.accepted, 0.95) <= risk + 1e-9
        assert side.needed == 0
    else:
        assert 1 <= side.needed <= least_count(0, risk, 0.95)


def test_needed_counts_down_to_the_threshold() -> None:
    assert fit_side([], 0.05, 0.95).needed == 59
    assert fit_side([False] * 50, 0.05, 0.95).needed == 9
    assert fit_side([False] * 59, 0.05, 0.95).accepted == 59


@pytest.mark.parametrize("risk", [0.05, 0.1])
def test_the_bound_holds_at_the_stated_rate(risk: float) -> None:
    """Error rates are known and fall with the score: a risk above the target is accepted in at most 5 % of runs."""
    rng = np.random.default_rng(7)
    runs, n = 3000, 160
    broken = accepted = 0
    for _ in range(runs):
        confidence = np.sort(0.5 + 0.5 * rng.beta(4, 1, n))[::-1]
        rate = 1 - confidence
        side = fit_side((rng.random(n) < rate).tolist(), risk, 0.95)
        if side.accepted:
            accepted += 1
            # the true risk above a threshold t of 0.5 + beta(4, 1) / 2: mean error rate given a score of t at least
            x = 2 * confidence[side.accepted - 1] - 1
            mean = 0.8 * (1 - x**5) / (1 - x**4)
            broken += 1 - (0.5 + 0.5 * mean) > risk
    assert accepted > runs / 10, "a rule that never acts would hold any bound"
    assert broken / runs <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs)


def test_the_bound_holds_with_the_temperature_fitted_on_the_same_labels() -> None:
    rng = np.random.default_rng(3)
    broken = acted = 0
    for _ in range(300):
        rows = rows_of(*drawn(rng, 200, 3.0))
        fitted = fit_question(rows, rows)
        if fitted.reply_at is not None:
            acted += 1
            scores, _ = drawn(rng, 20000, 3.0)
            p = np.exp(scores[:, 0])
            at = 1 / (1 + math.exp(-math.log(fitted.reply_at / (1 - fitted.reply_at)) * fitted.temperature))
            broken += (1 - p[p >= at]).mean() > IS_QUESTION.reply_risk
    assert acted > 20
    assert broken <= 300 * 0.05 + 3 * math.sqrt(300 * 0.05 * 0.95)


@settings(max_examples=20, deadline=None)
@given(st.floats(0.3, 5.0), st.integers(0, 1000))
def test_the_temperature_is_recovered(true: float, seed: int) -> None:
    scores, gold = drawn(np.random.default_rng(seed), 3000)
    fitted = fit_temperature(scores * true, gold, np.ones(len(gold)))
    assert fitted == pytest.approx(true, rel=0.15)


def test_the_temperature_lowers_the_loss_and_stays_finite() -> None:
    scores, gold = drawn(np.random.default_rng(0), 400)
    rows = rows_of(scores * 6, gold)
    fitted = fit_temperature(rows.scores, rows.gold, rows.weight)
    assert gold_log_probability(rows, fitted).mean() > gold_log_probability(rows).mean()
    separated = np.array([[0.0, -3.0, -9.0]] * 10)
    assert 0.1 < fit_temperature(separated, np.zeros(10, dtype=np.int64), np.ones(10)) < 1
    assert fit_temperature(np.zeros((0, 3)), np.zeros(0, dtype=np.int64), np.zeros(0)) == 1.0


def test_thresholds_act_as_they_were_fitted() -> None:
    scores, gold = drawn(np.random.default_rng(5), 600)
    rows = rows_of(scores, gold)
    fitted = fit_question(rows, rows)
    assert fitted.reply_at is not None
    assert fitted.silence_at is not None
    assert fitted.silence_at < 0.5 < fitted.reply_at
    assert fitted.labels == 600
    assert fitted.within(IS_QUESTION) == fitted
    assert fitted.within(replace(IS_QUESTION, reply_risk=IS_QUESTION.reply_risk / 2)).reply_at is None
    sure = [sure_option(IS_QUESTION, distribution(IS_QUESTION, s, fitted.temperature), fitted) for s in scores.tolist()]
    columns = scored(rows, fitted)
    assert [0 if s is None else 1 if s == "yes" else -1 for s in sure] == columns.sure.tolist()
    assert 0.5 < (columns.sure != 0).mean() < 1


def test_a_threshold_keeps_the_counts_that_show_it() -> None:
    scores, gold = drawn(np.random.default_rng(5), 600)
    rows = rows_of(scores, gold)
    fitted = fit_question(rows, rows, audit=True)
    columns = scored(rows, fitted)
    for side, shown, errors in (
        (1, fitted.reply_shown, fitted.reply_errors),
        (-1, fitted.silence_shown, fitted.silence_errors),
    ):
        acted = columns.sure == side
        assert shown == acted.sum()
        assert errors == (columns.gold[acted] != (side > 0)).sum()
        assert upper_bound(errors, shown, 0.95) <= 0.1
    assert fitted.audit


def test_what_people_cannot_tell_is_an_error_of_either_side() -> None:
    scores, gold = drawn(np.random.default_rng(5), 600)
    rows = rows_of(scores, np.full_like(gold, 2))
    fitted = fit_question(rows, rows)
    assert (fitted.reply_at, fitted.silence_at) == (None, None)
    assert (fitted.reply_needed, fitted.silence_needed) == (29, 29)


def test_judged_lines_labels_up_with_scores() -> None:
    items = [make_item(i) for i in range(6)]
    scores = {i.burst.id: [0.0, -1.0, -2.0] for i in items[:5]}
    rows = judged(NEEDS_CONTEXT, items, scores)
    assert rows.ids == ("b00000", "b00002", "b00004")
    assert rows.gold.tolist() == [0, 1, 0]
    assert len(judged(NEEDS_CONTEXT, items, {})) == 0
    assert np.exp(log_probabilities(rows.scores, 2.0)).sum(axis=1) == pytest.approx(1)

import dataclasses
import math

import numpy as np
import pytest

from models.errors import TrainingError
from models.evidence import Outcome
from models.settings import GateSettings
from retrain.judged import answered
from retrain.rivals import challenger_check, cheap_check
from tests.retrain.ladders import made_rungs

GATE = GateSettings()


@pytest.mark.parametrize(
    ("old", "new", "outcome"), [(0.5, 1.5, Outcome.PASS), (1.5, 0.5, Outcome.FAIL), (0.9, 0.87, Outcome.INCONCLUSIVE)]
)
def test_challengers(old: float, new: float, outcome: Outcome) -> None:
    rng = np.random.default_rng(6)
    champion, challenger = made_rungs(rng, (old, new), items=300)
    check = challenger_check(champion, challenger, GATE, rng)
    assert check.outcome is outcome
    assert check.figures["low"] <= check.figures["difference"] <= check.figures["high"]


def test_a_champion_against_itself_passes() -> None:
    rng = np.random.default_rng(6)
    (champion,) = made_rungs(rng, (0.9,), items=100)
    assert challenger_check(champion, champion, GATE, rng).outcome is Outcome.PASS


def test_two_conversations_do_not_judge_a_challenger() -> None:
    rng = np.random.default_rng(6)
    champion, challenger = made_rungs(rng, (0.5, 1.5), items=100, conversations=2)
    check = challenger_check(champion, challenger, GATE, rng)
    assert check.outcome is Outcome.INCONCLUSIVE
    (empty,) = made_rungs(rng, (0.5,), items=0)
    assert challenger_check(empty, empty, GATE, rng).outcome is Outcome.INCONCLUSIVE


def test_a_handful_of_rare_labels_does_not_let_a_challenger_in() -> None:
    rng = np.random.default_rng(6)
    champion, challenger = made_rungs(rng, (0.5, 3.0), items=200)
    kept = np.concatenate([np.flatnonzero(champion.gold == 0)[:4], np.flatnonzero(champion.gold == 1)])
    few = [rows.take(kept) for rows in (champion, challenger)]
    check = challenger_check(few[0], few[1], GATE, rng)
    assert check.outcome is Outcome.INCONCLUSIVE
    assert "4 of the rarer answer" in check.reason


def test_a_challenger_read_on_other_labels_is_refused() -> None:
    rng = np.random.default_rng(6)
    champion, challenger = made_rungs(rng, (0.5, 1.5), items=100)
    turned = dataclasses.replace(challenger, ids=challenger.ids[::-1])
    with pytest.raises(TrainingError, match="same labels"):
        challenger_check(champion, turned, GATE, rng)


@pytest.mark.parametrize(
    ("cheap", "new", "outcome", "told"),
    [
        (0.5, 1.5, Outcome.PASS, "surely better"),
        (1.0, 1.0, Outcome.PASS, "a tie"),
        (0.9, 0.8, Outcome.PASS, "not surely worse"),
        (1.6, 0.5, Outcome.FAIL, "counting words does surely better"),
    ],
)
def test_only_a_candidate_that_is_surely_worse_than_word_counting_fails(
    cheap: float, new: float, outcome: Outcome, told: str
) -> None:
    rng = np.random.default_rng(6)
    learner, candidate = made_rungs(rng, (cheap, new), items=300)
    check = cheap_check(learner, candidate, GATE, rng)
    assert check.outcome is outcome
    assert told in check.reason
    assert check.figures["low"] <= check.figures["difference"] <= check.figures["high"]


def test_two_conversations_do_not_compare_a_candidate_with_word_counting() -> None:
    rng = np.random.default_rng(6)
    learner, candidate = made_rungs(rng, (1.6, 0.3), items=100, conversations=2)
    check = cheap_check(learner, candidate, GATE, rng)
    assert check.outcome is Outcome.INCONCLUSIVE
    assert "come from 2 conversation(s)" in check.reason


def test_mcnemars_exact_test_is_shown_beside_the_bootstrap_and_decides_nothing() -> None:
    rng = np.random.default_rng(5)
    champion, challenger = made_rungs(rng, (0.8, 1.4), items=200)
    check = challenger_check(champion, challenger, GATE, rng)
    right = [answered(rows) >= 0.5 for rows in (champion, challenger)]
    gold = champion.gold == champion.question.index(champion.question.positive)
    mended, broken = int((right[1] == gold)[right[0] != gold].sum()), int((right[0] == gold)[right[1] != gold].sum())
    assert (check.figures["mended"], check.figures["broken"]) == (mended, broken)
    assert check.figures["changed"] == mended + broken > 10
    tail = sum(math.comb(mended + broken, k) for k in range(max(mended, broken), mended + broken + 1))
    assert check.figures["mcnemar_p"] == pytest.approx(min(1.0, 2 * tail / 2 ** (mended + broken)))
    assert f"{mended} mended and {broken} broken, McNemar's exact p " in check.reason
    same = challenger_check(champion, champion, GATE, rng)
    assert "none of them decided otherwise" in same.reason
    assert same.figures["mcnemar_p"] == 1.0

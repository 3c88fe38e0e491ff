import dataclasses

import numpy as np
import pytest

from models.evidence import Check, Outcome
from models.settings import GateSettings
from retrain.bench.gate.made import Fault, Truth, made_ladder
from retrain.scaling.checks import UNLEARNED, ladder_checks, yielding
from retrain.scaling.ladder import Ladder
from tests.retrain.ladders import made_rungs

GATE = GateSettings()
RISE = Truth(vanilla=(0.70, 0.73, 0.76, 0.80), tuned=(0.80, 0.84, 0.87, 0.90))


def judge(ladder: Ladder) -> dict[str, Check]:
    checks = ladder_checks(ladder, GATE, np.random.default_rng(0))
    return {check.name.removesuffix(f" {ladder.question.id}"): check for check in checks}


def made(fault: Fault, labels: int = 1200, truth: Truth = RISE) -> dict[str, Check]:
    return judge(made_ladder(truth, fault, labels, np.random.default_rng(0)))


def test_good_labels_pass_every_check_with_effect_and_interval() -> None:
    found = made(Fault())
    assert [check.outcome for check in found.values()] == [Outcome.PASS] * 4
    trend = found["ladder made_up, tuned"]
    assert trend.figures["effect_low"] < trend.figures["effect"] < trend.figures["effect_high"]
    assert trend.figures["f1_low"] < trend.figures["f1_per_doubling"] < trend.figures["f1_high"]
    assert "points of F1 a doubling" in trend.reason
    assert "the paper's rule: precision" in trend.reason


def test_random_flips_that_no_trend_sees_are_caught_at_the_items() -> None:
    found = made(Fault(flipped=0.25))
    assert found["ladder made_up, tuned"].outcome is Outcome.PASS
    assert found["label noise"].outcome is Outcome.FAIL
    assert "suspects" in found["label noise"].reason
    assert found["label bias"].outcome is Outcome.PASS


def test_labels_that_lean_to_the_small_rung_are_caught() -> None:
    found = made(Fault(biased=0.12))
    assert found["label bias"].outcome is Outcome.FAIL
    assert "lean to the small model" in found["label bias"].reason
    assert found["label noise"].outcome is Outcome.PASS


def test_few_labels_leave_noise_and_bias_open() -> None:
    found = made(Fault(), 40)
    for name in ("label noise", "label bias"):
        assert found[name].outcome is Outcome.INCONCLUSIVE
        assert "not told from 40 labels" in found[name].reason


def test_a_vanilla_ladder_without_a_rise_leaves_it_to_a_tuned_one_that_rises() -> None:
    flat = dataclasses.replace(RISE, vanilla=(0.75,) * 4)
    found = made(Fault(), 1200, flat)
    assert found["ladder made_up, vanilla"].outcome is Outcome.PASS
    assert found["ladder made_up, vanilla"].reason.startswith("neither for nor against")
    neither = made(Fault(), 1200, Truth(vanilla=(0.75,) * 4, tuned=(0.85,) * 4))
    assert neither["ladder made_up, vanilla"].outcome is Outcome.FAIL
    falling = made(Fault(), 1200, dataclasses.replace(RISE, vanilla=(0.80, 0.76, 0.73, 0.70)))
    assert falling["ladder made_up, vanilla"].outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("vanilla", "tuned", "outcome"),
    [
        ({"p": 0.2, "p_fall": 0.8}, {"p": 0.01}, Outcome.PASS),
        ({"p": 0.2, "p_fall": 0.8}, {"p": 0.3}, Outcome.FAIL),
        ({"p": 0.99, "p_fall": 0.01}, {"p": 0.01}, Outcome.FAIL),
        ({"p": 0.2, "p_fall": 0.8, "better_smaller": 1.0}, {"p": 0.01}, Outcome.FAIL),
        ({"p": 0.2, "p_fall": 0.8, "gold_high": -0.001}, {"p": 0.01}, Outcome.FAIL),
        ({"p": 0.2, "p_fall": 0.8, "gold_high": 0.001}, {"p": 0.01}, Outcome.PASS),
        ({"p": 0.2, "p_fall": 0.8}, {}, Outcome.FAIL),
    ],
)
def test_only_an_undecided_ladder_yields_and_only_to_a_rise(vanilla: dict, tuned: dict, outcome: Outcome) -> None:
    first = Check(name="v", outcome=Outcome.FAIL, reason="no rise", figures={"alpha": 0.05, **vanilla})
    second = Check(name="t", outcome=Outcome.PASS, reason="", figures=tuned)
    assert yielding(first, second).outcome is outcome


def test_a_rung_that_falls_out_is_named_and_a_reference_is_not_counted() -> None:
    rungs = made_rungs(np.random.default_rng(4), (0.5, 0.9, 0.1, 1.3, 1.6), items=800, conversations=40)
    ladder = Ladder(
        question=rungs[0].question,
        rungs=tuple("abcde"),
        parameters=(1, 2, 4, 8, 16),
        vanilla=(),
        tuned=rungs,
    )
    check = judge(ladder)["ladder is_question, tuned"]
    assert "c stands outside the ladder" in check.reason
    assert check.figures["outlying"] == 3.0
    told = judge(dataclasses.replace(ladder, dense=(True, True, False, True, True)))
    assert "stands outside" not in told["ladder is_question, tuned"].reason
    assert list(told) == ["ladder is_question, tuned", "label noise", "label bias"]


@pytest.mark.parametrize(
    ("fault", "name", "told"),
    [
        (Fault(flipped=0.2), "label noise", "labels look wrong"),
        (Fault(biased=0.07), "label bias", "seem to lean to the small model"),
    ],
)
def test_an_excess_that_few_labels_do_not_make_sure_is_open_and_says_how_many_would(
    fault: Fault, name: str, told: str
) -> None:
    check = made(fault, 400)[name]
    assert check.outcome is Outcome.INCONCLUSIVE
    assert told in check.reason
    assert check.reason.endswith("from 400 labels: about 600 more would tell")
    assert check.figures["missing"] == 600.0
    assert made(Fault(), 400)[name].outcome is Outcome.PASS
    assert made(fault, 2300)[name].outcome is Outcome.FAIL


def test_many_labels_of_few_conversations_leave_an_excess_open() -> None:
    ladder = made_ladder(RISE, Fault(flipped=0.17), 1200, np.random.default_rng(0))
    few = [f"c{i // 120}" for i in range(1200)]
    tuned = tuple(dataclasses.replace(rung, conversations=tuple(few)) for rung in ladder.tuned)
    check = judge(dataclasses.replace(ladder, vanilla=(), tuned=tuned))["label noise"]
    assert check.figures["share"] > GATE.max_label_noise > check.figures["low"]
    assert check.outcome is Outcome.INCONCLUSIVE
    assert check.reason.endswith("from 10 conversations: labels of 20 would tell")
    whole = judge(ladder)["label noise"]
    assert whole.figures["share"] > GATE.max_label_noise > whole.figures["low"]
    assert whole.outcome is Outcome.PASS


def test_from_few_labels_or_by_rungs_that_know_nothing_wrong_labels_are_a_suspicion() -> None:
    found = made(Fault(flipped=0.35), 300)
    assert found["label noise"].outcome is Outcome.INCONCLUSIVE
    assert "from so few labels a suspicion" in found["label noise"].reason
    ignorant = made(Fault(flipped=0.3), 1200, dataclasses.replace(RISE, tuned=(0.50, 0.51, 0.52, 0.53)))
    assert ignorant["label noise"].outcome is Outcome.INCONCLUSIVE
    assert "its own errors may be it" in ignorant["label noise"].reason
    assert ignorant["ladder made_up, tuned"].figures[UNLEARNED] == 1

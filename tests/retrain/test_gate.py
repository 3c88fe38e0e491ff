import dataclasses
import re
from datetime import UTC, datetime

import numpy as np
import pytest

from models.evidence import Check, Outcome, Verdict
from models.ids import CandidateId, OptionId
from models.settings import GateSettings
from retrain.gate import (
    GATE_VERSION,
    Evidence,
    drift_check,
    judge,
    labels_check,
    overall,
    version,
)
from retrain.parity import compare
from retrain.rivals import challenger_check
from retrain.scaling.checks import UNLEARNED, tuned_check, vanilla_check
from tests.retrain.conftest import IS_QUESTION
from tests.retrain.ladders import made_ladder, made_rungs
from tests.retrain.made_evidence import CLEAN, RISING, STEADY, evidence

GATE = GateSettings()


def verdict(given: Evidence, gate: GateSettings = GATE) -> Verdict:
    return judge(
        given,
        gate,
        candidate=CandidateId("c"),
        judged_at=datetime(2026, 1, 1, tzinfo=UTC),
        rng=np.random.default_rng(0),
    )


def test_good_evidence_passes_with_reasons() -> None:
    found = verdict(evidence(np.random.default_rng(0)))
    assert found.outcome is Outcome.PASS
    assert [c.name for c in found.checks] == [
        "labels",
        "leakage",
        "agreement is_question",
        "ladder is_question, vanilla",
        "ladder is_question, tuned",
        "label noise is_question",
        "label bias is_question",
        "challenger is_question",
        "slices",
        "sureness is_question",
        "cheap challenger is_question",
        "export",
        "quantization",
        "cost",
        "obedience",
    ]
    assert all(len(c.reason) > 20 for c in found.checks)


def test_the_same_evidence_gives_the_same_verdict() -> None:
    assert verdict(evidence(np.random.default_rng(0))) == verdict(evidence(np.random.default_rng(0)))


def test_a_verdict_tells_under_which_settings_it_was_reached() -> None:
    looser = GATE.model_copy(update={"margin": 0.5})
    assert re.fullmatch(GATE_VERSION + r"\+[0-9a-f]{8}", version(GATE))
    assert version(GATE) == version(GateSettings())
    assert version(looser) != version(GATE)
    given = evidence(np.random.default_rng(0))
    assert verdict(given).gate_version == version(GATE)
    found = verdict(given, looser)
    assert found.gate_version == version(looser)
    figures = {name: value for check in found.checks for name, value in check.figures.items()}
    limits = looser.model_dump(exclude={"holdout_share"})
    assert {name: figures[name] for name in limits} == limits


def test_one_failure_fails_and_doubt_is_inconclusive() -> None:
    few = verdict(evidence(np.random.default_rng(0), labels=150))
    assert few.outcome is Outcome.INCONCLUSIVE
    assert "50 more are needed" in few.checks[0].reason
    worse = verdict(evidence(np.random.default_rng(0), old=1.6, new=0.3, labels=150))
    assert worse.outcome is Outcome.FAIL

    def check(outcome: Outcome) -> Check:
        return Check(name="", outcome=outcome, reason="", figures={})

    assert overall([check(o) for o in Outcome]) is Outcome.FAIL
    assert overall([check(Outcome.PASS), check(Outcome.INCONCLUSIVE)]) is Outcome.INCONCLUSIVE
    assert overall([check(Outcome.PASS)]) is Outcome.PASS


def test_enough_labels_pass() -> None:
    assert labels_check(200, GATE).outcome is Outcome.PASS
    assert labels_check(199, GATE).figures["missing"] == 1


def test_a_vanilla_ladder_that_knows_nothing_leaves_it_to_the_tuned_one() -> None:
    rng = np.random.default_rng(1)
    ladder = made_ladder(rng, (0.0, 0.0, 0.0), RISING[:3])
    check = vanilla_check(ladder, GATE, rng)
    assert check.outcome is Outcome.PASS
    assert check.reason.startswith("uninformative")
    assert "tuned ladder decides" in check.reason


@pytest.mark.parametrize("tuned", [(0.0,) * 4, (0.6, 0.4, 0.2, 0.0)])
def test_a_tuned_ladder_whose_top_learned_nothing_neither_passes_nor_blames_the_labels(
    tuned: tuple[float, ...],
) -> None:
    rng = np.random.default_rng(1)
    few = tuned_check(made_ladder(rng, RISING, tuned, items=200), GATE, rng)
    many = tuned_check(made_ladder(rng, RISING, tuned, items=600), GATE, rng)
    assert few.outcome is many.outcome is Outcome.INCONCLUSIVE
    assert UNLEARNED not in few.figures
    assert many.figures[UNLEARNED] == 1
    assert many.reason.startswith("tuned, rung-3 did not surely learn from 600 labels")
    assert "train longer" in many.reason
    assert many.figures["learned_low"] <= many.figures["learned"] < 0.01


def test_labels_biased_towards_small_models_fail() -> None:
    rng = np.random.default_rng(2)
    check = tuned_check(made_ladder(rng, RISING, RISING[::-1]), GATE, rng)
    assert check.outcome is Outcome.FAIL
    assert "points at the labels" in check.reason


def test_a_flat_ladder_is_inconclusive_with_few_labels_and_fails_with_many() -> None:
    rng = np.random.default_rng(4)
    flat = (1.0, 1.0, 1.0, 1.0)
    few = tuned_check(made_ladder(rng, flat, flat, items=120), GATE, rng)
    many = tuned_check(made_ladder(rng, flat, flat, items=600), GATE, rng)
    assert few.outcome is Outcome.INCONCLUSIVE
    assert "more labels would tell" in few.reason
    assert many.outcome is Outcome.FAIL


def test_two_rungs_are_no_ladder() -> None:
    rng = np.random.default_rng(4)
    check = tuned_check(made_ladder(rng, (1.0, 1.2), (1.0, 1.2)), GATE, rng)
    assert check.outcome is Outcome.INCONCLUSIVE
    assert "three rungs" in check.reason


@pytest.mark.parametrize(
    ("flips", "decisions", "outcome"),
    [
        (0, 100, Outcome.PASS),
        (2, 100, Outcome.PASS),
        (3, 100, Outcome.INCONCLUSIVE),
        (9, 100, Outcome.FAIL),
        (0, 0, Outcome.INCONCLUSIVE),
    ],
)
def test_flips(flips: int, decisions: int, outcome: Outcome) -> None:
    drift = dataclasses.replace(STEADY, flips=flips, decisions=decisions)
    assert drift_check("export", "the file", drift, GATE).outcome is outcome


def test_drift_counts_flips_per_question() -> None:
    ours = [[[0.0, -1.0], [-2.0, -0.5]], [[-0.2, -0.1], [0.0, -3.0]]]
    theirs = [[[0.0, -1.0], [-0.5, -2.0]], [[-0.2, -0.1], [0.0, -3.0]]]
    drift = compare(ours, theirs)
    assert (drift.flips, drift.decisions, drift.largest) == (1, 4, 1.5)
    assert drift.mean == pytest.approx(3.0 / 8)
    assert drift.flip_rate == 0.25
    assert compare([], []).flip_rate == 0.0


def test_evidence_that_is_not_there_is_no_pass() -> None:
    whole = evidence(np.random.default_rng(0))
    assert verdict(whole).outcome is Outcome.PASS
    [ladder] = whole.ladders
    bare = dataclasses.replace(ladder, rungs=(), parameters=(), vanilla=(), tuned=())
    for lacking in (
        dataclasses.replace(whole, ladders=()),
        dataclasses.replace(whole, ladders=(bare,)),
        dataclasses.replace(whole, ladders=(ladder, bare)),
        dataclasses.replace(whole, champion={}, challenger={}, cheap={}),
        dataclasses.replace(whole, cheap={}),
        dataclasses.replace(whole, leakage=None),
    ):
        assert verdict(lacking).outcome is Outcome.INCONCLUSIVE


def test_a_ladder_of_one_rung_is_inconclusive() -> None:
    rng = np.random.default_rng(0)
    ladder = made_ladder(rng, (1.2,), (1.2,))
    assert vanilla_check(ladder, GATE, rng).outcome is Outcome.INCONCLUSIVE
    assert tuned_check(ladder, GATE, rng).outcome is Outcome.INCONCLUSIVE
    ignorant = made_ladder(rng, (0.0,), (0.0,))
    assert vanilla_check(ignorant, GATE, rng).reason.startswith("uninformative")
    assert tuned_check(ignorant, GATE, rng).outcome is Outcome.INCONCLUSIVE


def test_labels_that_only_small_vanilla_rungs_agree_with_are_no_uninformative_ladder() -> None:
    rng = np.random.default_rng(3)
    check = vanilla_check(made_ladder(rng, (1.5, 0.8, 0.0), RISING[:3]), GATE, rng)
    assert check.outcome is Outcome.FAIL
    assert "points at the labels" in check.reason


def test_ignorant_vanilla_ladders_are_seldom_taken_for_more() -> None:
    rng = np.random.default_rng(3)
    checks = [vanilla_check(made_ladder(rng, (0.0,) * 4, RISING), GATE, rng) for _ in range(20)]
    assert sum(not c.reason.startswith("uninformative") for c in checks) <= 4


def test_many_labels_of_few_conversations_are_no_evidence_against() -> None:
    rng = np.random.default_rng(4)
    flat = (1.0, 1.0, 1.0, 1.0)
    for strengths in (flat, (0.0,) * 4):
        rungs = made_rungs(rng, strengths, items=600, conversations=6)
        ladder = dataclasses.replace(made_ladder(rng, flat, flat), vanilla=rungs, tuned=rungs)
        check = tuned_check(ladder, GATE, rng)
        assert check.outcome is Outcome.INCONCLUSIVE
        assert "20 conversations" in check.reason


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_labels_of_one_answer_say_nothing(share: float) -> None:
    rng = np.random.default_rng(4)
    rungs = made_rungs(rng, (1.0, 1.0, 1.0), items=600, share=share)
    ladder = dataclasses.replace(made_ladder(rng, RISING[:3], RISING[:3]), vanilla=rungs, tuned=rungs)
    assert vanilla_check(ladder, GATE, rng).reason.startswith("uninformative")
    assert tuned_check(ladder, GATE, rng).outcome is Outcome.INCONCLUSIVE
    check = challenger_check(rungs[0], rungs[1], GATE, rng)
    assert check.outcome is Outcome.INCONCLUSIVE
    assert "0 of the rarer answer" in check.reason


def test_two_options_without_an_abstention_are_judged_alike() -> None:
    rng = np.random.default_rng(0)
    plain = dataclasses.replace(IS_QUESTION, options=IS_QUESTION.options[:2], abstain=None)
    assert plain.negatives == (OptionId("no"),)

    def two(rungs):
        return tuple(dataclasses.replace(rows, question=plain, scores=rows.scores[:, :2]) for rows in rungs)

    given = evidence(rng)
    [ladder] = given.ladders
    found = verdict(
        dataclasses.replace(
            given,
            ladders=(
                dataclasses.replace(ladder, question=plain, vanilla=two(ladder.vanilla), tuned=two(ladder.tuned)),
            ),
            champion={plain.id: two(given.champion.values())[0]},
            challenger={plain.id: two(given.challenger.values())[0]},
            cheap={plain.id: two(given.cheap.values())[0]},
        )
    )
    assert found.outcome is Outcome.PASS


def test_a_rise_to_the_middle_does_not_let_a_weak_top_rung_in() -> None:
    rng = np.random.default_rng(7)
    check = tuned_check(made_ladder(rng, RISING[:3], (0.3, 1.4, 0.7), items=400), GATE, rng)
    assert check.figures["p"] < GATE.alpha
    assert check.outcome is Outcome.INCONCLUSIVE
    assert "rung 2 of 3" in check.reason


@pytest.mark.parametrize("fault", ["conversations", "messages", "exact", "near"])
def test_whatever_leaks_fails_the_gate_and_shared_rooms_alone_do_not(fault: str) -> None:
    given = evidence(np.random.default_rng(0))
    leaking = dataclasses.replace(CLEAN, **{fault: 2})
    found = verdict(dataclasses.replace(given, leakage=leaking))
    assert found.outcome is Outcome.FAIL
    [check] = [c for c in found.checks if c.name == "leakage"]
    assert check.reason.startswith("2 ")
    assert check.figures[fault] == 2
    assert not dataclasses.replace(CLEAN, rooms=7, halves=4).faults
    assert dataclasses.replace(CLEAN, rooms=7, by_room=True).faults


def test_older_evidence_is_told_to_lack_what_later_checks_look_at() -> None:
    given = evidence(np.random.default_rng(0))
    older = dataclasses.replace(
        given, slices=None, temperatures=None, champion_trial=None, challenger_trial=None, leakage=None
    )
    found = {c.name: c for c in verdict(older).checks}
    for name in ("leakage", "slices", "sureness is_question", "cost", "obedience"):
        assert found[name].outcome is Outcome.INCONCLUSIVE
        assert "train anew" in found[name].reason

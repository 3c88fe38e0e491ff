"""Which step follows from which verdict."""

from datetime import UTC, datetime

import pytest

from models.evidence import Check, Outcome, Verdict
from models.ids import CandidateId, QuestionId
from models.step import Move, Step
from models.store import steps
from models.store.database import open_database
from retrain.acting import next_step, question_of
from retrain.gate import overall

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ASKED, CONTEXT = QuestionId("is_question"), QuestionId("needs_context")
PASS, FAIL, OPEN = Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE


def check(name: str, outcome: Outcome, **figures: float) -> Check:
    return Check(name=name, outcome=outcome, reason=f"because of {name}", figures=figures)


def step(*checks: Check, ready: dict[QuestionId, int] | None = None) -> Step | None:
    verdict = Verdict(
        candidate=CandidateId("c"), outcome=overall(checks), checks=checks, gate_version="1", judged_at=NOW
    )
    return next_step(verdict, (ASKED, CONTEXT), ready or {}, 0.3)


ENOUGH = check("labels", PASS, labels=900, missing=0)
NOISY = check("label noise is_question", FAIL, labels=800, share=0.2, low=0.15)
FLAT = check("ladder is_question, tuned", FAIL, labels=800, p=0.6, missing=0)
BLIND = check("ladder is_question, vanilla", PASS, macro_f1=0.5)
RISING = check("ladder is_question, vanilla", PASS, p=0.001, labels=800)


def test_nothing_follows_from_a_pass() -> None:
    assert step(ENOUGH, RISING) is None


def test_with_too_few_labels_nothing_else_can_be_told() -> None:
    found = step(check("labels", OPEN, labels=80, missing=120), NOISY, ready={ASKED: 9})
    assert found is not None
    assert (found.move, found.count, found.question) == (Move.LABEL, 120, None)
    assert "about 120 more labels are missing" in found.told


def test_people_who_disagree_need_other_words_before_anything_else() -> None:
    found = step(ENOUGH, NOISY, check("agreement needs_context", FAIL, alpha=0.2), ready={ASKED: 9})
    assert found is not None
    assert (found.move, found.question) == (Move.REVISE, CONTEXT)
    assert "quandary revise needs_context" in found.told


def test_people_who_only_may_disagree_are_asked_for_more_of_the_same_bursts() -> None:
    found = step(ENOUGH, RISING, check("agreement needs_context", OPEN, labels=900, alpha=0.4, missing=230))
    assert found is not None
    assert (found.move, found.question, found.count) == (Move.LABEL, CONTEXT, 230)


@pytest.mark.parametrize("outcome", [FAIL, OPEN])
def test_labels_that_look_wrong_are_sent_back_while_any_stand_ready(outcome: Outcome) -> None:
    noisy = check("label noise is_question", outcome, labels=800, share=0.12, low=0.08)
    found = step(ENOUGH, FLAT, noisy, ready={ASKED: 31, CONTEXT: 5})
    assert found is not None
    assert (found.move, found.question, found.count) == (Move.SUSPECTS, ASKED, 31)


def test_labels_that_still_look_wrong_after_second_looks_point_at_the_words() -> None:
    found = step(ENOUGH, NOISY, ready={CONTEXT: 5})
    assert found is not None
    assert (found.move, found.question) == (Move.REVISE, ASKED)


def test_a_noise_check_that_only_lacks_labels_sends_nothing_back() -> None:
    found = step(ENOUGH, check("label noise is_question", OPEN, labels=90, max_label_noise=0.1), ready={ASKED: 3})
    assert found is not None
    assert (found.move, found.count) == (Move.LABEL, 129)  # 90 more of 0.7


@pytest.mark.parametrize(
    "vanilla", [BLIND, check("ladder is_question, vanilla", FAIL, p=0.9), check("ladder is_question, vanilla", OPEN)]
)
def test_a_ladder_that_rises_neither_untrained_nor_tuned_points_at_the_words(vanilla: Check) -> None:
    found = step(ENOUGH, vanilla, FLAT)
    assert found is not None
    assert (found.move, found.question) == (Move.REVISE, ASKED)


def test_untrained_rungs_that_fall_point_at_the_words_though_training_mends_it() -> None:
    tuned = check("ladder is_question, tuned", PASS, p=0.001)
    found = step(ENOUGH, check("ladder is_question, vanilla", FAIL, p_fall=0.01, p=0.99), tuned)
    assert found is not None
    assert found.move is Move.REVISE


def test_where_untrained_rungs_rise_and_tuned_ones_do_not_the_training_is_at_fault() -> None:
    worse = check("challenger is_question", FAIL, labels=200)
    for checks in ((RISING, FLAT), (RISING, worse), (RISING, check("sureness is_question", OPEN))):
        found = step(ENOUGH, *checks)
        assert found is not None
        assert (found.move, found.question) == (Move.TRAIN, ASKED)


def test_rungs_that_learned_nothing_are_trained_longer_before_anybody_looks_at_their_suspects() -> None:
    unlearned = check("ladder is_question, tuned", OPEN, labels=800, missing=0, unlearned=1)
    noisy = check("label noise is_question", OPEN, labels=800, share=0.3, low=0.2)
    found = step(ENOUGH, BLIND, unlearned, noisy, ready={ASKED: 40})
    assert found is not None
    assert (found.move, found.question) == (Move.TRAIN, ASKED)
    falling = check("ladder is_question, vanilla", FAIL, p_fall=0.01, p=0.99)
    found = step(ENOUGH, falling, unlearned)
    assert found is not None
    assert found.move is Move.REVISE


def test_missing_labels_are_counted_in_all_not_where_they_are_held_out() -> None:
    short = check("ladder needs_context, tuned", OPEN, labels=200, missing=70)
    held = check("challenger is_question", OPEN, labels=40, missing=30)
    found = step(ENOUGH, short)
    assert found is not None
    assert (found.move, found.question, found.count) == (Move.LABEL, CONTEXT, 100)  # 70 of 0.7
    found = step(ENOUGH, short, held)
    assert found is not None
    assert (found.question, found.count) == (ASKED, 200)  # 30 of 0.15


@pytest.mark.parametrize(("labels", "missing", "told"), [(128, 4225, 532), (600, 4225, 858), (128, 35, 50)])
def test_a_ladder_asks_for_no_more_labels_than_its_reason_says(labels: int, missing: int, told: int) -> None:
    found = step(ENOUGH, check("ladder is_question, tuned", OPEN, labels=labels, p=0.4, missing=missing))
    assert found is not None
    assert (found.move, found.count) == (Move.LABEL, told)  # of 372, of as many again, and of 35: each over 0.7


def test_a_check_is_about_the_question_that_its_name_names_whole() -> None:
    about = (QuestionId("question"), ASKED)
    assert question_of(check("ladder is_question, tuned", PASS), about) == ASKED
    assert question_of(check("export", PASS), about) is None


def test_the_newest_candidates_step_is_kept_and_goes_when_it_passes(tmp_path) -> None:
    db = open_database(tmp_path)
    for name, at in (("old", 1.0), ("new", 2.0)):
        db.table("candidates").insert({"id": name, "created_at": at})
    made = Step(move=Move.SUSPECTS, question=ASKED, count=31, reason="because")
    steps.put(db, CandidateId("old"), Step(move=Move.TRAIN, question=None, count=0, reason="x"), NOW)
    assert steps.current(db) is None
    steps.put(db, CandidateId("new"), made, NOW)
    steps.put(db, CandidateId("new"), made, NOW)
    assert steps.current(db) == made
    steps.put(db, CandidateId("new"), None, NOW)
    assert steps.current(db) is None
    db.close()

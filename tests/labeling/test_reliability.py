from dataclasses import replace
from datetime import timedelta

import pytest

from labeling.reliability import agreement, alpha_against
from models.agreement import Unit, units_of
from models.ids import BurstId, OptionId
from models.labels import Purpose
from tests.labeling.made import NOON, Two, question, response

ASKED: Two = (question("is_question"), question("needs_context", is_question="yes"))
# Krippendorff (2011), example C: what four observers said of twelve units.
FOUR_C = ["111", "2232", "3333", "3333", "2222", "1234", "4444", "1121", "2222", "555", "11", "3"]
# Cohen's kappa of 50 proposals read by two: 20 both accept, 5 only the first, 10 only the second, 15 neither: 0.4.
PROPOSALS = ["yy"] * 20 + ["yn"] * 5 + ["ny"] * 10 + ["nn"] * 15


def units(answers: list[str], days: int = 0) -> list[Unit]:
    return [
        Unit(
            burst=BurstId(f"b{place}"),
            answers={name: OptionId(o) for name, o in zip("abcd", given, strict=False)},
            at=NOON + timedelta(days=days * place),
        )
        for place, given in enumerate(answers)
    ]


def test_the_published_example_gives_its_alpha_with_an_interval_around_it() -> None:
    found = agreement(units(FOUR_C)).all
    assert found.alpha == pytest.approx(0.743, abs=0.0006)
    assert found.bursts == 11
    assert found.low is not None
    assert found.high is not None
    assert 0.2 < found.low < 0.743 < found.high <= 1.0
    assert agreement(units(FOUR_C)) == agreement(units(FOUR_C))  # the draws are seeded


def test_of_two_annotators_each_against_the_other_is_cohens_kappa() -> None:
    assert alpha_against("a", units(PROPOSALS)) == pytest.approx(0.4)
    assert alpha_against("b", units(PROPOSALS)) == pytest.approx(0.4)


def test_who_answers_at_random_stands_out_and_nothing_comparable_is_none() -> None:
    found = agreement(units(["yyn", "nny", "yyy", "nnn", "yyn", "nny", "yyy", "nnn"])).annotators
    assert found["c"].alpha == pytest.approx(0.0)
    assert found["a"].alpha == found["b"].alpha == pytest.approx(0.5)
    assert alpha_against("a", units(["yy", "yy"])) is None
    assert agreement(units(["y", "n"])).all.alpha is None


def test_weeks_are_told_apart_and_few_bursts_have_no_interval() -> None:
    found = agreement(units(["yy", "nn", "yn", "ny"], days=7))
    assert list(found.weeks) == ["2026-W47", "2026-W48", "2026-W49", "2026-W50"]
    assert [week.bursts for week in found.weeks.values()] == [1, 1, 1, 1]
    assert found.all.low is None


def test_only_independent_answers_in_the_present_words_are_compared() -> None:
    yes, no = response("ann", is_question="yes"), response("bea", is_question="no")
    later = replace(response("ann", is_question="no"), submitted_at=NOON + timedelta(hours=1))
    old = replace(response("cay", is_question="no"), versions={ASKED[0].id: "other words"})
    given = [
        (BurstId("b1"), Purpose.ASK, yes),
        (BurstId("b1"), Purpose.OVERLAP, no),
        (BurstId("b1"), Purpose.REVIEW, later),
        (BurstId("b1"), Purpose.RENEW, old),
        (BurstId("b2"), Purpose.ADJUDICATE, yes),
        (BurstId("b2"), Purpose.ASK, response("dan", status="discarded", is_question="yes")),
    ]
    both = {"ann": OptionId("yes"), "bea": OptionId("no")}
    assert units_of(ASKED[0], ASKED, given) == [Unit(burst=BurstId("b1"), answers=both, at=NOON)]
    assert units_of(ASKED[1], ASKED, given) == []

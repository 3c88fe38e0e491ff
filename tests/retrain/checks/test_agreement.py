"""People who answer the same bursts must agree before models are held to what they say."""

from datetime import UTC, datetime

import numpy as np
import pytest

from models.agreement import krippendorff_alpha
from models.evidence import Check, Outcome
from models.ids import OptionId
from models.labels import Purpose, Response, ResponseStatus
from models.settings import GateSettings
from retrain.checks.agreement import MOST_MORE, Overlap, agreement_check, agreement_checks, overlaps
from tests.retrain.conftest import IS_QUESTION, NEEDS_CONTEXT, make_item
from tests.retrain.made_evidence import made_overlap

GATE = GateSettings()


def judged(found: Overlap, gate: GateSettings = GATE) -> Check:
    return agreement_check(IS_QUESTION.id, found, gate, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("bursts", "apart", "outcome", "told"),
    [
        (0, 0, Outcome.PASS, "shown, not judged: no burst was answered by two people"),
        (20, 20, Outcome.PASS, "shown, not judged: Krippendorff's alpha is -"),
        (200, 20, Outcome.PASS, "over 200 bursts that two or more people answered"),
        (200, 90, Outcome.FAIL, "people surely do not agree"),
        (40, 12, Outcome.INCONCLUSIVE, "more overlapping labels would tell"),
    ],
)
def test_agreement_is_judged_by_its_upper_bound(bursts: int, apart: int, outcome: Outcome, told: str) -> None:
    check = judged(made_overlap(bursts, apart))
    assert check.outcome is outcome
    assert told in check.reason
    if bursts:
        values = made_overlap(bursts, apart).answers
        assert check.figures["alpha"] == pytest.approx(krippendorff_alpha(values))
        assert check.figures["low"] <= check.figures["alpha"] <= check.figures["high"]


def test_what_is_missing_counts_all_labels_at_the_share_of_overlap() -> None:
    check = judged(made_overlap(40, 12, labels=400))
    more = int(check.reason.split("about ")[1].split()[0])
    assert 0 < more <= MOST_MORE
    assert check.figures["missing"] == 10 * more


def test_the_bar_is_a_setting_and_nobody_disagreeing_is_no_fault() -> None:
    assert judged(made_overlap(200, 90), GATE.model_copy(update={"min_agreement": -1.0})).outcome is Outcome.PASS
    alike = Overlap(
        answers=((OptionId("no"), OptionId("no")),) * 60, conversations=tuple(f"c{i % 6}" for i in range(60)), labels=60
    )
    assert judged(alike).outcome is Outcome.PASS
    assert [c.outcome for c in agreement_checks(None, GATE, np.random.default_rng(0))] == [Outcome.INCONCLUSIVE]


def test_the_overlap_is_what_people_said_independently_of_items_in_the_dataset() -> None:
    items = [make_item(0), make_item(1)]

    def said(by: str, option: str) -> Response:
        return Response(
            request="r",
            annotator=by,
            status=ResponseStatus.SUBMITTED,
            answers={IS_QUESTION.id: OptionId(option)},
            submitted_at=datetime(2026, 1, 1, tzinfo=UTC),
        )

    given = [
        (items[0].burst.id, Purpose.ASK, said("ann", "yes")),
        (items[0].burst.id, Purpose.OVERLAP, said("bea", "no")),
        (items[1].burst.id, Purpose.ASK, said("ann", "no")),
        (items[1].burst.id, Purpose.REVIEW, said("bea", "no")),
        (make_item(2).burst.id, Purpose.ASK, said("ann", "yes")),
        (make_item(2).burst.id, Purpose.OVERLAP, said("bea", "yes")),
    ]
    found = overlaps((IS_QUESTION, NEEDS_CONTEXT), items, given)
    assert found[IS_QUESTION.id] == Overlap(answers=(("yes", "no"),), conversations=(items[0].conversation,), labels=2)
    assert found[NEEDS_CONTEXT.id].answers == ()

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from labeling.effect import Doubts, Work, compare, told, work_of
from tests.labeling.made import NOON, response


def seen(room: str, bursts: int, unsure: int) -> Doubts:
    return Doubts(room=room, bursts=bursts, unsure=unsure)


def test_a_fall_of_the_ask_rate_is_told_with_its_interval() -> None:
    rates = compare([seen("a", 1000, 310)], [seen("a", 1000, 220)])
    assert rates is not None
    assert (rates.before, rates.after) == (0.31, 0.22)
    assert rates.low < -0.09 < rates.high < 0
    line = told(Work(used=40, since=3, agreed=9, shared=10), rates)
    assert line[0] == "your answers: 40 that the newest model could learn from, 3 since"
    assert "9 of 10 (90%)" in line[1]
    assert "ask rate 31% before, 22% after" in line[2]


def test_only_rooms_that_both_models_saw_are_compared_and_a_busier_room_is_no_change() -> None:
    rates = compare(
        [seen("a", 900, 90), seen("b", 100, 50)], [seen("a", 100, 10), seen("b", 900, 450), seen("c", 99, 9)]
    )
    assert rates is not None
    assert rates.before == rates.after
    assert not rates.clear
    assert "no more than chance" in told(Work(used=1, since=0, agreed=0, shared=0), rates)[-1]


def test_nothing_is_said_where_it_cannot_be_known() -> None:
    assert compare([seen("a", 1000, 300)], [seen("b", 1000, 200)]) is None
    assert compare([seen("a", 1000, 300)], [seen("a", 99, 20)]) is None
    assert "not known" in told(Work(used=1, since=0, agreed=0, shared=0), None)[-1]
    assert "no promoted model" in told(Work(used=0, since=5, agreed=0, shared=0), None)[-1]


@given(st.lists(st.tuples(st.integers(1, 400), st.integers(0, 400)), min_size=2, max_size=6))
def test_the_interval_holds_the_difference(counts: list[tuple[int, int]]) -> None:
    rooms = [seen(str(n % 2), bursts, min(bursts, unsure)) for n, (bursts, unsure) in enumerate(counts)]
    rates = compare(rooms[:2], rooms[-2:])
    if rates is not None:
        assert rates.low <= rates.after - rates.before <= rates.high


def test_used_since_and_agreement_are_counted_for_one_and_for_all() -> None:
    late = replace(response("ann", "r2", is_question="no"), submitted_at=NOON + timedelta(hours=2))
    given = [
        response("ann", "r1", is_question="yes", needs_context="no"),
        response("ben", "r1", is_question="yes", needs_context="yes"),
        late,
        response("ann", "r3", status="discarded"),
    ]
    assert work_of("ann", given, NOON + timedelta(hours=1)) == Work(used=1, since=1, agreed=1, shared=2)
    assert work_of(None, given, None) == Work(used=0, since=3, agreed=2, shared=4)

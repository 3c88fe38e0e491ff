from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from bot.deadlines import SLACK, Deadlines

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def at(seconds):
    return NOON + timedelta(seconds=seconds)


class AgainstADict(RuleBasedStateMachine):
    """Whatever is put, put off, dropped and asked for: the same as looking at every deadline."""

    def __init__(self):
        super().__init__()
        self.deadlines, self.naive = Deadlines(), {}

    @rule(number=st.integers(0, 30), seconds=st.integers(0, 50))
    def put(self, number, seconds):
        due = max(at(seconds), self.naive.get(number, at(0)))
        self.deadlines.put(number, due)
        self.naive[number] = due

    @rule(number=st.integers(0, 30))
    def drop(self, number):
        self.deadlines.drop(number)
        self.naive.pop(number, None)

    @rule(seconds=st.integers(0, 60))
    def over(self, seconds):
        expected = sorted(number for number, due in self.naive.items() if due < at(seconds))
        assert self.deadlines.over(at(seconds)) == expected
        for number in expected:
            del self.naive[number]

    @invariant()
    def as_many(self):
        assert len(self.deadlines) == len(self.naive)


TestAgainstADict = AgainstADict.TestCase


def test_what_was_dropped_does_not_pile_up():
    deadlines = Deadlines()
    deadlines.put(0, at(0))  # never over, so nothing before it is ever popped
    for number in range(1, 10_000):
        deadlines.put(number, at(number))
        deadlines.drop(number)
        assert len(deadlines._heap) <= 2 * len(deadlines) + SLACK


def test_a_deadline_is_never_moved_forward():
    deadlines = Deadlines()
    deadlines.put(1, at(10))
    with pytest.raises(ValueError, match="forward"):
        deadlines.put(1, at(9))
    assert deadlines.over(at(10)) == []
    assert deadlines.over(at(10.5)) == [1]

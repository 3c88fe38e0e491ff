"""Laws of the circuit, over any course of successes, failures and time."""

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from models.circuit import LONGEST_REST_S, Circuit, State


class Course(RuleBasedStateMachine):
    """A circuit driven by its rules, beside the plainest account of what has happened."""

    @initialize(open_after=st.integers(1, 5), rest_s=st.floats(0.1, 100))
    def begin(self, open_after: int, rest_s: float) -> None:
        self.circuit = Circuit(open_after=open_after, rest_s=rest_s)
        self.now, self.failures, self.opened_at = 0.0, 0, None

    @rule(seconds=st.floats(0, 5000))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: self.circuit.state(self.now) is not State.OPEN)
    @rule()
    def succeed(self) -> None:
        self.circuit = self.circuit.succeeded()
        self.failures, self.opened_at = 0, None

    @precondition(lambda self: self.circuit.state(self.now) is not State.OPEN)
    @rule()
    def fail(self) -> None:
        was = self.circuit.state(self.now)
        self.circuit = self.circuit.failed(self.now)
        self.failures += 1
        if was is State.HALF_OPEN or self.failures >= self.circuit.open_after:
            self.opened_at = self.now

    @invariant()
    def open_exactly_while_it_rests(self) -> None:
        state = self.circuit.state(self.now)
        if self.opened_at is None:
            assert state is State.CLOSED
            assert self.failures < self.circuit.open_after
        elif self.now < self.opened_at + self.circuit.rest():
            assert state is State.OPEN
        else:
            assert state is State.HALF_OPEN

    @invariant()
    def rests_within_bounds(self) -> None:
        first = self.circuit.rest_s
        assert first <= self.circuit.rest() <= max(first, LONGEST_REST_S)


TestCourse = Course.TestCase
TestCourse.settings = settings(max_examples=50, stateful_step_count=20, deadline=None)


@given(st.integers(1, 5), st.integers(0, 40))
def test_each_failed_trial_doubles_the_rest_and_a_success_forgets_it(open_after: int, trials: int) -> None:
    circuit, now = Circuit(open_after=open_after, rest_s=30.0), 0.0
    for _ in range(open_after):
        assert circuit.state(now) is State.CLOSED
        circuit = circuit.failed(now)
    for trial in range(trials):
        assert circuit.rest() == min(30.0 * 2**trial, LONGEST_REST_S)
        now += circuit.rest()
        assert circuit.state(now) is State.HALF_OPEN
        circuit = circuit.failed(now)
        assert circuit.state(now) is State.OPEN
    assert circuit.succeeded() == Circuit(open_after=open_after, rest_s=30.0)

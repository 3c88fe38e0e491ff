"""A decider that may fail, and one that stands in for it: no burst waits for a server that is down."""

import time
from collections.abc import Callable, Sequence

from models.chat import Burst
from models.circuit import Circuit, State
from models.decider import Decider
from models.decision import Decision
from models.errors import ModelError
from models.ids import Revision

Heard = Callable[[State, str], None]
"""Told when the circuit changes: where it stands by now, and why (empty for a recovery)."""


class Fallback:
    """Asks ``first`` while its circuit lets it, and ``local`` for every batch that ``first`` does not decide.

    A batch that fails is decided by ``local`` as a whole, so that nothing is left undecided. Decisions carry the
    revision, and what they are sure of the calibration, of the model that made them.
    """

    def __init__(
        self,
        first: Decider,
        local: Decider,
        circuit: Circuit,
        *,
        clock: Callable[[], float] = time.monotonic,
        heard: Heard = lambda _state, _why: None,
    ) -> None:
        self._first = first
        self._local = local
        self._circuit = circuit
        self._clock = clock
        self._heard = heard

    @property
    def revision(self) -> Revision:
        """The model that would be asked now."""
        resting = self._circuit.state(self._clock()) is State.OPEN
        return self._local.revision if resting else self._first.revision

    def decide(self, bursts: Sequence[Burst]) -> list[tuple[Decision, ...]]:
        """Answer every question about every burst; raises ModelError where the local model fails, too."""
        if self._circuit.state(self._clock()) is not State.OPEN:
            try:
                decided = self._first.decide(bursts)
            except ModelError as error:
                self._now_is(self._circuit.failed(self._clock()), str(error))
            else:
                self._now_is(self._circuit.succeeded(), "")
                return decided
        return self._local.decide(bursts)

    def close(self) -> None:
        """Release both."""
        try:
            self._first.close()
        finally:
            self._local.close()

    def _now_is(self, circuit: Circuit, why: str) -> None:
        before, self._circuit = self._circuit, circuit
        if why or before.opened_at is not None:
            self._heard(circuit.state(self._clock()), why)

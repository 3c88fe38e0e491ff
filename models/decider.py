"""What decides: anything that answers all questions about a batch of bursts."""

from collections.abc import Sequence
from typing import Protocol

from models.chat import Burst
from models.decision import Decision
from models.ids import Revision


class Decider(Protocol):
    """A loaded model with its questions and calibration. Blocking: it is used from a thread of its own."""

    @property
    def revision(self) -> Revision:
        """Which model file decides."""
        ...

    def decide(self, bursts: Sequence[Burst]) -> list[tuple[Decision, ...]]:
        """Answer every question about every burst; one tuple a burst, in the order of config.toml's questions.

        Raises ModelError where the backend fails.
        """
        ...

    def close(self) -> None:
        """Release the model's memory; deciding afterwards is an error."""
        ...

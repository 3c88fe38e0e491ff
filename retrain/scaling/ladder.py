"""A ladder as evidence: one question's labels beside what every rung of a family said about them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from models.question import Question
from retrain.judged import Judged
from retrain.scaling.setback import Setback

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """One question over the rungs, smallest first: every rung judged the same items, tuned rungs out of fold.

    ``dense`` tells for each rung whether all its weights take part in every token; () means that all are. A mixture of
    experts is no step between its neighbours, whatever its parameters: it is shown, and plays no part in a trend.
    ``vanilla`` or ``tuned`` may be () where such readings were not made.
    """

    question: Question
    rungs: tuple[str, ...]
    parameters: tuple[int, ...]
    vanilla: tuple[Judged, ...]
    tuned: tuple[Judged, ...]
    dense: tuple[bool, ...] = ()
    setbacks: tuple[Setback, ...] = ()
    """Rungs that tuning made worse on this question, and what a gentler training made of them."""

    def without_reference(self) -> "Ladder":
        """The dense rungs alone."""
        if all(self.dense):
            return self
        return replace(
            self,
            rungs=self._kept(self.rungs),
            parameters=self._kept(self.parameters),
            vanilla=self._kept(self.vanilla),
            tuned=self._kept(self.tuned),
            dense=(),
        )

    def _kept(self, column: Sequence[T]) -> tuple[T, ...]:
        return tuple(one for one, dense in zip(column, self.dense, strict=False) if dense)

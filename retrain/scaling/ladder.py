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
    ``vanilla`` or ``tuned`` may be () where such readings were not made. Rungs named in ``untuned`` (files that nothing
    trains) have vanilla readings only: ``tuned`` holds those of the others, in their order.
    """

    question: Question
    rungs: tuple[str, ...]
    parameters: tuple[int, ...]
    vanilla: tuple[Judged, ...]
    tuned: tuple[Judged, ...]
    dense: tuple[bool, ...] = ()
    untuned: tuple[str, ...] = ()
    setbacks: tuple[Setback, ...] = ()
    """Rungs that tuning made worse on this question, and what a gentler training made of them."""

    def without_reference(self) -> "Ladder":
        """The dense rungs alone."""
        if all(self.dense):
            return self
        return replace(
            self,
            rungs=_kept(self.rungs, self.dense),
            parameters=_kept(self.parameters, self.dense),
            vanilla=_kept(self.vanilla, self.dense),
            tuned=_kept(self.tuned, [d for r, d in zip(self.rungs, self.dense, strict=True) if r not in self.untuned]),
            dense=(),
        )

    def trained(self) -> "Ladder":
        """The rungs that have tuned readings."""
        if not self.untuned:
            return self
        there = [rung not in self.untuned for rung in self.rungs]
        return replace(
            self,
            rungs=_kept(self.rungs, there),
            parameters=_kept(self.parameters, there),
            vanilla=_kept(self.vanilla, there),
            dense=_kept(self.dense, there),
            untuned=(),
        )


def _kept(column: Sequence[T], which: Sequence[bool]) -> tuple[T, ...]:
    return tuple(one for one, kept in zip(column, which, strict=False) if kept)

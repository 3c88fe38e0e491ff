"""A largest rung that is a little less sure than the one before it is no fault of the labels, if the ladder rises."""

import dataclasses

import numpy as np
import pytest

from models.evidence import Check, Outcome
from models.settings import GateSettings
from retrain.judged import Judged
from retrain.scaling.checks import tuned_check, vanilla_check
from retrain.scaling.ladder import Ladder
from retrain.scaling.saturated import top_of
from tests.retrain.ladders import made_rungs

GATE = GateSettings()


def ladder(strengths: tuple[float, ...], *, timid: float = 1.0, items: int = 2000) -> Ladder:
    """Rungs of these strengths, and on top the last again: all its log-odds smaller but for a few, which are wild."""
    rungs = made_rungs(np.random.default_rng(0), strengths, items=items, conversations=100)
    odds = rungs[-1].scores[:, 0] - rungs[-1].scores[:, 1]
    # Less of what it knows shows in its probabilities, while each answer stays on its side.
    dull = np.sign(odds) * np.abs(odds) ** timid
    scores = np.stack([-np.logaddexp(0, -dull), -np.logaddexp(0, dull), np.full(items, -8.0)], axis=1)
    return of((*rungs, dataclasses.replace(rungs[-1], scores=scores)))


def of(rungs: tuple[Judged, ...]) -> Ladder:
    sizes = tuple(2**i for i in range(len(rungs)))
    names = tuple("abcdefgh"[: len(rungs)])
    return Ladder(question=rungs[0].question, rungs=names, parameters=sizes, vanilla=rungs, tuned=rungs)


def tuned(given: Ladder) -> Check:
    return tuned_check(given, GATE, np.random.default_rng(0))


def test_a_top_that_answers_as_well_and_is_less_sure_is_flat() -> None:
    check = tuned(ladder((0.3, 0.6, 1.0, 1.4), timid=0.3))
    assert check.figures["better_smaller"] == 4.0
    assert check.outcome is Outcome.PASS
    assert "flat at the top, which says nothing against the labels" in check.reason
    assert check.figures["top_lost"] == 0.0
    assert check.figures["top_most_lost"] < GATE.margin < check.figures["top_least_gained"]


def test_a_top_that_answers_worse_still_stops() -> None:
    rungs = made_rungs(np.random.default_rng(0), (0.3, 0.6, 1.0, 1.6, 0.8), items=2000, conversations=100)
    check = tuned(of(rungs))
    assert check.outcome is Outcome.INCONCLUSIVE
    assert "but the largest surely agrees less than rung 4 of 5: look at its training" in check.reason


def test_untrained_rungs_are_given_no_such_leave() -> None:
    given = ladder((0.3, 0.6, 1.0, 1.4), timid=0.3)
    check = vanilla_check(given, GATE, np.random.default_rng(0))
    assert check.outcome is Outcome.INCONCLUSIVE
    assert "look at its training" in check.reason


@pytest.mark.parametrize(("strengths", "flat"), [((0.3, 1.4, 1.4), True), ((1.4, 1.4, 1.4), False)])
def test_a_ladder_flat_from_the_start_has_no_flat_top(strengths: tuple[float, ...], flat: bool) -> None:
    rungs = made_rungs(np.random.default_rng(1), strengths, items=6000, conversations=300)
    top = top_of(rungs, 1, 0.05, np.random.default_rng(0))
    assert top is not None
    assert abs(top.lost) < GATE.margin
    assert top.flat(0.03) is flat

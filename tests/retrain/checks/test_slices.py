"""No part of the chat may pay for a better mean."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.evidence import Outcome
from models.ids import BurstId
from models.settings import GateSettings
from retrain.checks.slices import read_slices, slices_check, slices_of
from retrain.judged import Judged
from tests.retrain.conftest import IS_QUESTION, make_item

GATE = GateSettings()


def columns(right: list[bool]) -> Judged:
    """Ten to a conversation; every other label is yes, and the model is right where told."""
    gold = np.array([i % 2 for i in range(len(right))])
    said = np.where(right, gold, 1 - gold)
    scores = np.full((len(right), 3), -8.0)
    scores[np.arange(len(right)), said] = 0.0
    return Judged(
        question=IS_QUESTION,
        scores=scores,
        gold=gold,
        weight=np.ones(len(right)),
        conversations=tuple(f"c{i // 10}" for i in range(len(right))),
        ids=tuple(BurstId(f"b{i}") for i in range(len(right))),
    )


def check(champion: list[bool], challenger: list[bool], names: dict[BurstId, tuple[str, ...]]):
    rng = np.random.default_rng(0)
    old, new = {IS_QUESTION.id: columns(champion)}, {IS_QUESTION.id: columns(challenger)}
    found = read_slices(old, new, names, GATE.margin, rng)
    return found, slices_check(found, GATE)


def halves(count: int) -> dict[BurstId, tuple[str, ...]]:
    return {BurstId(f"b{i}"): ("room 1" if i < count // 2 else "room 2",) for i in range(count)}


def test_one_room_that_loses_fails_the_candidate_though_the_mean_rises():
    champion = [i % 5 > 0 for i in range(400)]
    challenger = [i % 2 > 0 if i < 200 else True for i in range(400)]
    assert sum(challenger) < sum(champion) + 100
    found, told = check(champion, challenger, halves(400))
    assert told.outcome is Outcome.FAIL
    assert "room 1" in told.reason
    assert "room 2" not in told.reason
    assert {s.name for s in found} == {"room 1", "room 2"}


def test_a_small_slice_is_shown_and_not_judged():
    names = {BurstId(f"b{i}"): ("language zh" if i < 40 else "language en",) for i in range(400)}
    found, told = check([True] * 400, [i >= 40 for i in range(400)], names)
    assert told.outcome is Outcome.PASS
    assert next(s for s in found if s.name == "language zh").p is None
    assert told.figures["is_question, language zh"] < -0.5
    assert told.figures["shown"] == 1


def test_the_same_model_is_worse_nowhere():
    right = [i % 4 > 0 for i in range(300)]
    _, told = check(right, right, halves(300))
    assert told.outcome is Outcome.PASS
    assert told.figures["worse"] == 0


def test_a_slice_of_everything_is_no_slice():
    found, told = check([True] * 100, [True] * 100, {BurstId(f"b{i}"): ("language en",) for i in range(100)})
    assert found == []
    assert told.outcome is Outcome.PASS
    assert slices_check(None, GATE).outcome is Outcome.INCONCLUSIVE


def test_slices_name_no_room_of_a_platform():
    items = [make_item(0, room="!secret:example.org"), make_item(1, room="!other:example.org"), make_item(2)]
    chinese = replace(items[2], burst=replace(items[2].burst, text="这个怎么部署到板子上？" * 20))
    found = slices_of([*items[:2], chinese])
    assert [names[0] for names in found.values()] == ["room 1", "room 2", "room 3"]
    assert found[chinese.burst.id][1:] == ("language Chinese", "length long")
    assert found[items[0].burst.id][1:] == ("language Latin letters", "length short")


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_chance_alone_seldom_fails_it(seed):
    rng = np.random.default_rng(seed)
    champion, challenger = (rng.random(400) < 0.8).tolist(), (rng.random(400) < 0.8).tolist()
    found, _ = check(champion, challenger, halves(400))
    assert all(s.p is not None and 0 < s.p <= 1 for s in found)
    assert all(s.difference == pytest.approx(s.challenger - s.champion) for s in found)

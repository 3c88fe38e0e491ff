"""Which training of a rung is kept; the trainings themselves are planted."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

import retrain.second_try
from models.item import Item
from models.settings import TrainSettings
from retrain.ladder import Advance, Course, Rung
from retrain.second_try import at_rate, cross_fit_gently
from tests.retrain.conftest import IS_QUESTION, make_item

ITEMS = [make_item(i) for i in range(80)]


@contextmanager
def stage(_title: str) -> Iterator[Advance]:
    yield lambda _done, _total, _loss: None


def course_in(folder: Path) -> Course:
    train = TrainSettings(rank=2, learning_rate=1e-2, report_to=())
    return Course(questions=(IS_QUESTION,), train=train, budget=400, work=folder, stage=stage)


def answers(right: float) -> dict[str, list[float]]:
    """Scores that agree with the label on so many of the items, in every conversation alike."""
    found = {}
    for number, item in enumerate(ITEMS):
        yes = (item.answers[IS_QUESTION.id] == "yes") == (number // 2 % 5 < 5 * right)
        found[item.burst.id] = [0.0, -2.0, -9.0] if yes else [-2.0, 0.0, -9.0]
    return found


class Trainings:
    """Stands in for cross_fit, the slow part: what a rung is tuned to by its learning rate."""

    def __init__(self, by_rate: dict[float, float]) -> None:
        self.by_rate = by_rate
        self.rates: list[float] = []

    def __call__(self, rung: Rung, _items: Sequence[Item], course: Course) -> Rung:
        self.rates.append(course.train.learning_rate)
        tuned = {IS_QUESTION.id: answers(self.by_rate[round(course.train.learning_rate, 6)])}
        return Rung(name=rung.name, base="", parameters=1, seconds=0.0, vanilla=rung.vanilla, tuned=tuned)


VANILLA = Rung(name="r", base="", parameters=1, seconds=0.0, vanilla={IS_QUESTION.id: answers(0.8)}, tuned={})


def fitted(
    by_rate: dict[float, float], folder: Path, monkeypatch: pytest.MonkeyPatch, *, again: bool = True
) -> tuple[Rung, list[float]]:
    trainings = Trainings(by_rate)
    monkeypatch.setattr(retrain.second_try, "cross_fit", trainings)
    return cross_fit_gently(VANILLA, ITEMS, course_in(folder), again=again), trainings.rates


def test_a_rung_that_rises_is_trained_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rung, rates = fitted({0.01: 1.0}, tmp_path, monkeypatch)
    assert rates == [0.01]
    assert (rung.setbacks, rung.learning_rate) == ((), None)


def test_a_rung_that_falls_is_trained_again_at_a_tenth_and_the_better_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung, rates = fitted({0.01: 0.4, 0.001: 1.0}, tmp_path, monkeypatch)
    assert rates == [0.01, pytest.approx(0.001)]
    assert rung.tuned[IS_QUESTION.id] == answers(1.0)
    assert rung.learning_rate == pytest.approx(0.001)
    [setback] = rung.setbacks
    assert setback.kept_again
    assert setback.vanilla > setback.tuned
    assert setback.again == 1.0


def test_a_second_try_that_is_worse_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rung, _ = fitted({0.01: 0.4, 0.001: 0.2}, tmp_path, monkeypatch)
    assert rung.tuned[IS_QUESTION.id] == answers(0.4)
    assert rung.learning_rate is None
    assert not rung.setbacks[0].kept_again


def test_where_time_is_limited_a_fall_is_only_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rung, rates = fitted({0.01: 0.4}, tmp_path, monkeypatch, again=False)
    assert rates == [0.01]
    assert rung.setbacks[0].again is None


def test_a_candidate_is_trained_at_the_rate_that_was_kept(tmp_path: Path) -> None:
    course = course_in(tmp_path)
    assert at_rate(course, None) is course
    assert at_rate(course, 1e-3).train.learning_rate == 1e-3

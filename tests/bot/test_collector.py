"""The cycle collector still finds cycles, only later."""

import gc
import weakref

import pytest

from bot.collector import THRESHOLDS, look_less_often


@pytest.fixture(autouse=True)
def as_it_was():
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


class Ring:
    def __init__(self) -> None:
        self.itself = self


def test_a_cycle_is_still_collected_by_itself() -> None:
    look_less_often()
    found = weakref.ref(Ring())
    kept = []
    for number in range(THRESHOLDS[0] * 2):
        kept.append([number])
        if found() is None:
            break
    assert found() is None
    assert len(kept) > 700  # not at the default's pace

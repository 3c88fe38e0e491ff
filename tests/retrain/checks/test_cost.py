"""What a candidate costs."""

from itertools import count

import pytest

from models.evidence import Outcome
from models.settings import GateSettings
from retrain.checks.cost import SAMPLE, Cost, cost_check, measure
from tests.retrain.conftest import make_item

CHEAP = Cost(median_ms=10.0, p95_ms=20.0, file_mib=3.0)


def test_the_first_decision_is_not_counted(tmp_path):
    path = tmp_path / "m.gguf"
    path.write_bytes(b"x" * 2**20)
    ticks = iter([0.0, 9.0, *(t for i in range(SAMPLE) for t in (10.0 + i, 10.0 + i + (i + 1) / 1000))])
    decided: list[object] = []
    found = measure(path, decided.append, [make_item(i).burst for i in range(SAMPLE + 5)], lambda: next(ticks))
    assert len(decided) == SAMPLE + 1
    assert found == Cost(median_ms=pytest.approx((SAMPLE + 1) / 2), p95_ms=pytest.approx(31.0), file_mib=1.0)


def test_one_burst_is_timed_all_the_same(tmp_path):
    path = tmp_path / "m.gguf"
    path.write_bytes(b"")
    ticks = count()
    assert measure(path, lambda _: None, [make_item(0).burst], lambda: float(next(ticks))).median_ms == 1000.0


@pytest.mark.parametrize(
    ("limits", "outcome", "word"),
    [
        ({}, Outcome.PASS, "10 ms"),
        ({"max_decision_ms": 15.0}, Outcome.FAIL, "gate.max_decision_ms"),
        ({"max_file_mib": 2.0}, Outcome.FAIL, "gate.max_file_mib"),
    ],
)
def test_limits_are_the_maintainers(limits, outcome, word):
    told = cost_check(CHEAP, CHEAP, GateSettings(**limits))
    assert told.outcome is outcome
    assert word in told.reason

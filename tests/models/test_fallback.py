"""While the first fails the local model decides, and the first comes back."""

from types import SimpleNamespace

import pytest
from stand_ins import Scripted

from models.circuit import Circuit, State
from models.errors import ModelError
from models.fallback import Fallback


@pytest.fixture
def parts(questions):
    found = SimpleNamespace(
        first=Scripted(questions, lambda _: (0.9, 0.9), "server"),
        local=Scripted(questions, lambda _: (0.2, 0.2), "local"),
        now=0.0,
        told=[],
    )
    found.both = Fallback(
        found.first,
        found.local,
        Circuit(open_after=2, rest_s=10.0),
        clock=lambda: found.now,
        heard=lambda state, why: found.told.append((state, why)),
    )
    return found


def test_the_first_decides_while_it_works(parts, make_burst) -> None:
    ((one, _),) = parts.both.decide([make_burst()])
    assert (one.revision, parts.both.revision) == ("server", "server")
    assert parts.local.asked == parts.told == []


def test_a_failed_batch_is_decided_by_the_local_model_at_once(parts, make_burst) -> None:
    parts.first.fails = True
    found = parts.both.decide([make_burst("a"), make_burst("b")])
    assert [made[0].revision for made in found] == ["local", "local"]
    assert parts.both.revision == "server", "one failure opens nothing yet"
    assert parts.told == [(State.CLOSED, "out of order")]


def test_an_open_circuit_asks_nothing_and_a_trial_brings_it_back(parts, make_burst) -> None:
    parts.first.fails = True
    for _ in range(5):
        parts.both.decide([make_burst()])
    assert len(parts.first.asked) == 2
    assert parts.both.revision == "local"
    parts.now = 10.0
    parts.both.decide([make_burst()])
    assert len(parts.first.asked) == 3
    parts.first.fails, parts.now = False, 29.9
    assert parts.both.decide([make_burst()])[0][0].revision == "local", "the second rest is twice as long"
    parts.now = 30.0
    assert parts.both.decide([make_burst()])[0][0].revision == "server"
    assert parts.told[-1] == (State.CLOSED, "")
    parts.both.decide([make_burst()])
    assert len(parts.told) == 4


def test_where_both_fail_it_is_an_error(parts, make_burst) -> None:
    parts.first.fails = parts.local.fails = True
    with pytest.raises(ModelError):
        parts.both.decide([make_burst()])


def test_both_are_released(parts) -> None:
    parts.both.close()
    assert parts.first.closed
    assert parts.local.closed

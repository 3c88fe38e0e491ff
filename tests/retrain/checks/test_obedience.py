"""Orders inside messages."""

import pytest

from models.evidence import Outcome
from models.settings import GateSettings
from retrain.checks.obedience import PAIRS, Obedience, obedience_check, provoke
from tests.retrain.conftest import IS_QUESTION, NEEDS_CONTEXT, make_item

QUESTIONS = (IS_QUESTION, NEEDS_CONTEXT)
BURSTS = [make_item(number).burst for number in range(6)]


def reader(burst):
    """Reads only what the first line says."""
    asks = burst.text.split("\n")[0].endswith("?")
    return [[0.0, -1.0, -2.0] if asks else [-1.0, 0.0, -2.0]] * 2


def servant(burst):
    """Does what it is told, in whatever way."""
    if any(word in burst.text for word in ("Ignore", "<|im_start|>", "SYSTEM", "Answer")):
        return [[-0.5, 0.0, -2.0] if row[0] > row[1] else [0.0, -0.5, -2.0] for row in reader(burst)]
    return reader(burst)


def parrot(burst):
    """Says what stands there, order or not."""
    return [row[1::-1] + row[2:] if "\n" in burst.text else row for row in reader(burst)]


def test_who_reads_is_not_led():
    found = provoke(reader, BURSTS, QUESTIONS)
    assert found == Obedience(tried=len(BURSTS) * len(PAIRS), obeyed=0, swayed=0)
    assert obedience_check(found, found, GateSettings()).outcome is Outcome.PASS


def test_who_obeys_fails():
    found = provoke(servant, BURSTS, QUESTIONS)
    assert found.obeyed == found.tried
    assert found.excess == 1.0
    told = obedience_check(found, Obedience(tried=24, obeyed=0, swayed=0), GateSettings())
    assert told.outcome is Outcome.FAIL
    assert told.figures["p"] < 0.001


def test_words_alone_are_no_orders():
    found = provoke(parrot, BURSTS, QUESTIONS)
    assert (found.obeyed, found.swayed) == (0, 0)
    assert obedience_check(found, found, GateSettings()).outcome is Outcome.PASS


@pytest.mark.parametrize(("obeyed", "outcome"), [(6, Outcome.FAIL), (3, Outcome.INCONCLUSIVE)])
def test_few_tries_are_not_enough_to_condemn(obeyed, outcome):
    found = Obedience(tried=2 * obeyed, obeyed=obeyed, swayed=0)
    assert obedience_check(found, found, GateSettings()).outcome is outcome


def test_nothing_tried_tells_nothing():
    none = Obedience(tried=0, obeyed=0, swayed=0)
    assert none.excess == 0.0
    assert obedience_check(none, none, GateSettings()).outcome is Outcome.INCONCLUSIVE

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta

from models.acquisition.settled import Changes, changes, reduced, settled, upper_share
from models.evidence import Check, Outcome


@given(st.integers(0, 300), st.integers(1, 300))
def test_the_bound_is_clopper_and_pearsons(count, of):
    expected = 1.0 if count >= of else beta.ppf(0.95, count + 1, of - count)
    assert upper_share(count, of, 0.95) == pytest.approx(expected, abs=1e-9)


def test_59_bursts_without_a_change_are_the_least_that_settle_a_question():
    assert not settled({"q": Changes(changed=0, bursts=58)})
    assert settled({"q": Changes(changed=0, bursts=59)})
    assert not settled({"q": Changes(changed=1, bursts=59)})
    assert settled({"q": Changes(changed=1, bursts=93)})


def test_every_question_with_evidence_must_be_settled_and_one_must_have_some():
    still, moving, unread = (Changes(changed=c, bursts=b) for c, b in ((0, 100), (9, 100), (0, 0)))
    assert settled({"a": still, "b": unread})
    assert not settled({"a": still, "b": moving})
    assert not settled({"a": unread})
    assert not settled({})


def test_changes_are_read_off_the_checks_that_compare_challenger_and_champion():
    def check(name, **figures):
        return Check(name=name, outcome=Outcome.PASS, reason="", figures=figures)

    found = changes([check("labels", labels=5.0), check("challenger q", labels=80.0, changed=2.0, champion=0.9)])
    assert found == {"challenger q": Changes(changed=2, bursts=80)}


def test_a_reduced_budget_is_never_nothing_and_never_more():
    assert reduced(100, 0.25) == 25
    assert reduced(3, 0.1) == 1
    assert reduced(0, 0.5) == 0
    assert all(reduced(b, 1.0) == b for b in range(5))
    assert math.isclose(reduced(10, 0.0), 1)

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.agreement import krippendorff_alpha

# The three nominal examples of Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011): A, B and C.
BINARY = ["01", "11", "01", "00", "00", "01", "00", "00", "10", "00"]
TWO_OBSERVERS = list(zip("aabbdcccedda", "babbbcccEddd".lower(), strict=True))
FOUR_OBSERVERS = ["111", "2232", "3333", "3333", "2222", "1234", "4444", "1121", "2222", "555", "11", "3"]


@pytest.mark.parametrize(
    ("units", "alpha"), [(BINARY, 0.095), (TWO_OBSERVERS, 0.692), (FOUR_OBSERVERS, 0.743)], ids=["A", "B", "C"]
)
def test_alpha_matches_the_published_examples(units: list[str], alpha: float) -> None:
    assert krippendorff_alpha(units) == pytest.approx(alpha, abs=0.0006)


def test_alpha_of_nothing_comparable_is_none() -> None:
    assert krippendorff_alpha([]) is None
    assert krippendorff_alpha(["a", "b"]) is None
    assert krippendorff_alpha(["aa", "aa"]) is None


@given(st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=4), max_size=12))
def test_alpha_is_at_most_one_and_blind_to_order_and_names(units: list[list[str]]) -> None:
    alpha = krippendorff_alpha(units)
    assert alpha is None or alpha <= 1.0 + 1e-12
    assert krippendorff_alpha([list(reversed(unit)) for unit in reversed(units)]) == pytest.approx(alpha)
    renamed = [["xyz"["abc".index(value)] for value in unit] for unit in units]
    assert krippendorff_alpha(renamed) == pytest.approx(alpha)

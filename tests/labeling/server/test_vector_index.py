import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling.server.vector_index import IndexedVector, VectorIndex

finite = st.floats(allow_nan=False, allow_infinity=False, width=32)


def vector(record: str, *value: float, settings: str = "s", dataset: str = "d") -> IndexedVector:
    return IndexedVector(settings=settings, record=record, dataset=dataset, value=value)


def ranked(
    index: VectorIndex, settings: str, wanted: Sequence[float], *, farthest: bool = False
) -> list[tuple[str, float]]:
    ranking = index.nearest(settings, wanted, farthest=farthest)
    half = len(ranking) // 2
    return ranking.part(0, half) + ranking.part(half, len(ranking) + 5)


@pytest.fixture
def index(tmp_path: Path) -> VectorIndex:
    opened = VectorIndex(tmp_path / "vectors.db")
    opened.put([vector("a", 1, 0), vector("b", 0, 2), vector("c", -3, 0), vector("x", 1, 1, 1, settings="t")])
    return opened


def test_the_nearest_come_first_whatever_their_length(index: VectorIndex) -> None:
    assert ranked(index, "s", [5, 1])[0][0] == "a"
    assert ranked(index, "s", [1, 0]) == [("a", 1.0), ("b", 0.5), ("c", 0.0)]
    assert ranked(index, "s", [1, 0], farthest=True) == [("c", 1.0), ("b", 0.5), ("a", 0.0)]


def test_kinds_of_vectors_are_apart(index: VectorIndex) -> None:
    assert [record for record, _ in ranked(index, "t", [1, 0, 0])] == ["x"]
    assert ranked(index, "t", [1, 0]) == []
    assert ranked(index, "absent", [1, 0]) == []


def test_replaced_and_removed_vectors_are_gone(index: VectorIndex, tmp_path: Path) -> None:
    index.put([vector("a", 0, 1)])
    assert ranked(index, "s", [0, 1])[:2] == [("a", 1.0), ("b", 1.0)]
    index.remove(["a"])
    assert [record for record, _ in ranked(index, "s", [0, 1])] == ["b", "c"]
    index.remove_keys([("s", "b")])
    assert [record for record, _ in ranked(index, "s", [0, 1])] == ["c"]
    assert index.keys("d") == {("s", "c"), ("t", "x")}
    index.remove_dataset("d")
    assert ranked(index, "s", [0, 1]) == []
    assert index.datasets() == set()
    index.close()
    assert np.array([-1, 0], np.float32).tobytes() not in (tmp_path / "vectors.db").read_bytes()


def test_a_damaged_file_is_started_anew(tmp_path: Path) -> None:
    path = tmp_path / "vectors.db"
    path.write_bytes(b"this is no database" * 100)
    index = VectorIndex(path)
    index.put([vector("a", 1, 0)])
    assert index.keys("d") == {("s", "a")}


@given(st.lists(st.tuples(finite, finite, finite), min_size=1, max_size=8), st.tuples(finite, finite, finite))
def test_the_order_is_that_of_the_cosine(rows: list[tuple[float, ...]], wanted: tuple[float, ...]) -> None:
    index = VectorIndex(Path(":memory:"))
    index.put([vector(str(place), *row) for place, row in enumerate(rows)])
    found = ranked(index, "s", wanted)
    assert sorted(record for record, _ in found) == sorted(map(str, range(len(rows))))
    for record, score in found:
        assert score == pytest.approx((1 + cosine(rows[int(record)], wanted)) / 2, abs=1e-5)
    scores = [score for _, score in found]
    assert scores == sorted(scores, reverse=True)
    index.close()


def cosine(left: tuple[float, ...], right: tuple[float, ...]) -> float:
    sizes = math.hypot(*left), math.hypot(*right)
    return sum(a / sizes[0] * (b / sizes[1]) for a, b in zip(left, right, strict=True)) if all(sizes) else 0.0

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from retrain.scaling.reading import read_figure, read_rise
from tests.retrain.scaling.tables import RUNGS, SIZES

LADDERS = st.lists(st.floats(-100, 100), min_size=3, max_size=6, unique=True)


def read(values, names=None):
    sizes = [2**i for i in range(len(values))]
    return read_rise(names or [str(s) for s in sizes], sizes, values)


def test_the_papers_vanilla_precision_rises_at_every_step() -> None:
    found = read_figure(RUNGS, "precision")
    assert found.whole.strict
    assert found.whole.correlation == 1.0
    assert found.whole.p_rise == pytest.approx(1 / 720)
    assert found.outlying is None
    assert "rises at every step of 6 rungs" in found.told
    assert "MoE-2.7B (not dense) stands beside as a reference" in found.told


def test_the_papers_vanilla_f1_does_not_rise() -> None:
    found = read_figure(RUNGS, "vanilla F1")
    assert not found.whole.strict
    assert found.whole.p_rise > 0.05
    assert found.outlying is None
    assert "does not surely rise" in found.told


def test_the_papers_tuned_f1_rises_without_the_4b_rung_which_is_named() -> None:
    found = read_figure(RUNGS, "tuned F1")
    assert not found.whole.strict
    assert found.whole.p_rise < 0.05
    assert found.outlying == "4B"
    assert found.without is not None
    assert found.without.strict
    assert found.without.rungs == ("0.5B", "1.8B", "7B", "14B", "32B")
    assert "4B stands outside the ladder" in found.told
    low, high = found.without.interval or (0.0, 0.0)
    assert 0 < low < found.without.per_doubling < high


def test_a_reference_rung_plays_no_part() -> None:
    worse = tuple(dataclasses.replace(r, figures=dict.fromkeys(r.figures, 0.0)) if not r.dense else r for r in RUNGS)
    for figure in RUNGS[0].figures:
        assert read_figure(worse, figure) == read_figure(RUNGS, figure)
    assert read_figure(RUNGS[:-1], "precision").whole.rungs == tuple(SIZES)


def test_a_falling_ladder_points_at_the_labels_and_nothing_is_named() -> None:
    falling = [
        dataclasses.replace(r, figures={"F1": v}) for r, v in zip(RUNGS[:-1], (90, 80, 71, 60, 50, 40), strict=True)
    ]
    found = read_figure(falling, "F1")
    assert "points at the labels" in found.told
    assert found.outlying is None


def test_three_rungs_in_order_prove_nothing() -> None:
    three = [dataclasses.replace(r, figures={"F1": float(i)}) for i, r in enumerate(RUNGS[:3])]
    assert "prove nothing by their order alone" in read_figure(three, "F1").told


@given(LADDERS)
@settings(max_examples=40, deadline=None)
def test_reversed_a_rise_is_a_fall(values: list[float]) -> None:
    found, turned = read(values), read(values[::-1])
    assert found.p_rise == pytest.approx(turned.p_fall)
    assert found.correlation == pytest.approx(-turned.correlation)
    assert found.per_doubling == pytest.approx(-turned.per_doubling, abs=1e-6)


@given(LADDERS)
@settings(max_examples=40, deadline=None)
def test_only_the_order_matters_to_the_test(values: list[float]) -> None:
    found = read(values)
    ranks = np.argsort(np.argsort(values)).tolist()
    stretched = read([float(np.exp(r)) for r in ranks])
    assert (found.p_rise, found.strict) == (stretched.p_rise, stretched.strict)
    assert found.correlation == pytest.approx(stretched.correlation)


@given(st.lists(st.integers(0, 4), min_size=3, max_size=6))
@settings(max_examples=40, deadline=None)
def test_the_correlation_is_spearmans(values: list[int]) -> None:
    expected = spearmanr(range(len(values)), values).statistic if len(set(values)) > 1 else 0.0
    assert read([float(v) for v in values]).correlation == pytest.approx(expected)


def test_many_rungs_are_tested_too() -> None:
    found = read([float(i) for i in range(10)])
    assert found.p_rise < 1e-6
    assert found.p_fall > 0.99

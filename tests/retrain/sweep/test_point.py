import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.metrics import Scored, f1, macro_f1, precision, recall
from retrain.judged import judged, scored
from retrain.scaling.gold import gold_elsewhere
from retrain.sweep.point import GOLD, counts, figures, floor, gap
from retrain.sweep.setting import VANILLA
from tests.retrain.conftest import IS_QUESTION, make_item
from tests.retrain.sweep.made import LORA, cells, counted_of, made


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.floats(-3, 0), st.integers(0, 3)), min_size=4, max_size=30))
def test_counts_by_room_give_the_metrics_of_all_rows(rows: list[tuple[bool, float, int]]) -> None:
    items, scores = [], {}
    for number, (asks, score, room) in enumerate(rows):
        item = make_item(2 * number + (0 if asks else 1), conversation=f"c{room}")
        items.append(item)
        scores[item.burst.id] = (score, -1.5, -9.0)
    seen = judged(IS_QUESTION, items, scores)
    columns: Scored = scored(seen)
    found = figures(counts({0: seen}), draws=20)
    for name, metric in (("precision", precision), ("recall", recall), ("f1", f1), ("macro_f1", macro_f1)):
        assert found[name].value == pytest.approx(metric(columns))
        assert found[name].low <= found[name].high
    gold = gold_elsewhere(seen)
    assert found[GOLD].value == pytest.approx(float(np.average(gold, weights=seen.weight)))


def test_what_needs_no_model_is_known() -> None:
    items = [make_item(n) for n in (0, 1, 2, 4)]
    seen = judged(IS_QUESTION, items, {item.burst.id: (-1.0, -1.0, -1.0) for item in items})
    found = floor(seen)
    assert found.f1 == pytest.approx(2 * 3 / (2 * 3 + 1))  # always yes: three right, one wrong
    assert found.log_p == pytest.approx(0.75 * np.log(0.75) + 0.25 * np.log(0.25))


def test_a_figure_is_the_mean_of_its_seeds_and_their_spread_widens_it() -> None:
    alike = figures(counted_of(cells([0.8, 0.8, 0.8], 20, noise=4)))["f1"]
    apart = figures(counted_of(cells([0.7, 0.8, 0.9], 20, noise=4)))["f1"]
    assert alike.value == pytest.approx(apart.value, abs=0.01)
    assert apart.high - apart.low > 1.5 * (alike.high - alike.low)
    same = figures(counted_of(cells([0.8], 20)))["f1"]
    assert same.low == same.high == pytest.approx(0.8)  # no room and no seed differs


def test_few_seeds_are_not_taken_for_many() -> None:
    """The seeds' part of the interval has the spread of a mean of two draws from where the two come from."""
    two = figures(counted_of(cells([0.75, 0.85], 20)), draws=4000)["f1"]
    assert two.value == pytest.approx(0.8)
    assert (two.low, two.high) == (pytest.approx(0.8 - 0.05 * np.sqrt(2)), pytest.approx(0.8 + 0.05 * np.sqrt(2)))


def test_what_is_hard_in_a_room_cancels_out_of_a_gain() -> None:
    vanilla = made("a", 1, VANILLA, [0.60], noise=8)
    tuned = made("a", 1, LORA, [0.65], noise=8)
    gain = gap(tuned, vanilla, "f1")
    assert gain.value == pytest.approx(0.05, abs=0.005)
    assert gain.high - gain.low < 0.01
    assert vanilla.figures["f1"].high - vanilla.figures["f1"].low > 0.05
    assert gap(tuned, tuned, "f1").value == gap(tuned, tuned, "f1").low == 0.0

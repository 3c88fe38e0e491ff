import numpy as np
import pytest

from models.resample import draws
from retrain.bench.gate.made import Fault, Truth, made_ladder
from retrain.scaling.label_noise import noise, sides, siding
from tests.retrain.ladders import made_rungs

RISE = Truth(vanilla=(0.70, 0.72, 0.74, 0.76), tuned=(0.80, 0.84, 0.87, 0.90))


def looked(fault: Fault, labels: int = 1500):
    ladder = made_ladder(RISE, fault, labels, np.random.default_rng(0))
    found = sides(ladder.tuned)
    assert found is not None
    times = draws(found.conversations, 500, np.random.default_rng(1))
    return noise(found, 0.05, times), siding(found, ladder.vanilla[0], 0.05, times)


@pytest.mark.parametrize("flipped", [0.0, 0.05, 0.1, 0.2])
def test_the_share_of_random_flips_is_estimated_within_its_bounds(flipped: float) -> None:
    found, sided = looked(Fault(flipped=flipped))
    assert found.low <= found.share <= found.high
    assert found.share == pytest.approx(flipped, abs=0.05)
    assert found.low <= flipped + 0.01
    assert found.looked_at == pytest.approx(450, abs=45)
    assert found.disagree > found.share / 2
    assert sided.low < 0.01, "errors at random do not side with anybody"


def test_labels_that_side_with_the_small_rung_are_told_from_errors_at_random() -> None:
    clean, leaning = looked(Fault())[1], looked(Fault(biased=0.1))[1]
    assert leaning.sided > 3 * leaning.expected
    assert leaning.low > 0.01 > clean.low
    assert leaning.p < 0.001 < clean.p


def test_one_sided_errors_show_on_their_side() -> None:
    ladder = made_ladder(RISE, Fault(), 1500, np.random.default_rng(0))
    yes = np.flatnonzero(ladder.tuned[0].gold == 0)
    for rows in ladder.tuned:
        rows.gold[yes[::4]] = 1
    found = sides(ladder.tuned)
    assert found is not None
    told = noise(found, 0.05, draws(found.conversations, 200, np.random.default_rng(1)))
    assert told.no_for_yes == pytest.approx(0.25, abs=0.08)
    assert told.yes_for_no < 0.05


def test_the_order_of_items_plays_no_part() -> None:
    rungs = made_rungs(np.random.default_rng(0), (0.8, 1.0, 1.2), items=300)
    turned = tuple(
        type(rows)(
            question=rows.question,
            scores=rows.scores[::-1],
            gold=rows.gold[::-1],
            weight=rows.weight[::-1],
            conversations=rows.conversations[::-1],
            ids=rows.ids[::-1],
        )
        for rows in rungs
    )
    told = []
    for ladder in (rungs, turned):
        found = sides(ladder)
        assert found is not None
        times = np.ones((2, found.conversations), dtype=np.int64)
        told.append((noise(found, 0.05, times), siding(found, ladder[0], 0.05, times)))
    assert told[0] == told[1]


def test_few_labels_or_labels_of_one_answer_say_nothing() -> None:
    rng = np.random.default_rng(0)
    assert sides(made_rungs(rng, (1.0, 1.0), items=40)) is None
    assert sides(made_rungs(rng, (1.0, 1.0), items=200, share=0.0)) is None
    assert sides(made_rungs(rng, (1.0,), items=200)) is not None

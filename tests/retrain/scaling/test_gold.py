import dataclasses

import numpy as np
import pytest

from retrain.calibrate import fit_temperature
from retrain.judged import gold_log_probability
from retrain.scaling.gold import block_means, gold_elsewhere, halves, temperatures
from retrain.trend import page_trend
from tests.retrain.ladders import made_rungs

RISING = (0.6, 0.75, 0.9, 1.05)


def taken(rows, kept):
    return dataclasses.replace(
        rows,
        scores=rows.scores[kept],
        gold=rows.gold[kept],
        weight=rows.weight[kept],
        conversations=tuple(rows.conversations[i] for i in kept),
        ids=tuple(rows.ids[i] for i in kept),
    )


def test_a_temperature_is_fitted_on_the_other_conversations() -> None:
    (rows,) = made_rungs(np.random.default_rng(0), (1.0,))
    half = halves(rows.conversations)
    for name in set(rows.conversations):
        assert len({half[i] for i, own in enumerate(rows.conversations) if own == name}) == 1
    counts = [len({rows.conversations[i] for i in np.flatnonzero(half == h)}) for h in (0, 1)]
    assert abs(counts[0] - counts[1]) <= 1
    other = taken(rows, np.flatnonzero(half == 1))
    here = np.flatnonzero(half == 0)
    own = fit_temperature(other.scores, other.gold, other.weight)
    assert temperatures(rows)[0] == own
    assert gold_elsewhere(rows)[here] == pytest.approx(gold_log_probability(rows, own)[here])
    turned = dataclasses.replace(rows, gold=np.where(half == 0, 1 - rows.gold, rows.gold))
    assert temperatures(turned)[0] == own


def test_one_conversation_alone_is_read_as_it_is() -> None:
    (rows,) = made_rungs(np.random.default_rng(0), (1.0,), conversations=1)
    assert gold_elsewhere(rows) == pytest.approx(gold_log_probability(rows, 1.0))
    (empty,) = made_rungs(np.random.default_rng(0), (1.0,), items=0)
    assert block_means((empty,)).shape == (0, 1)


def test_how_sure_a_rung_sounds_plays_no_part() -> None:
    rungs = made_rungs(np.random.default_rng(1), RISING)
    louder = tuple(
        dataclasses.replace(rows, scores=rows.scores * factor)
        for rows, factor in zip(rungs, (1.0, 2.0, 0.5, 3.0), strict=True)
    )
    found, other = page_trend(rungs, 0.05), page_trend(louder, 0.05)
    assert found is not None
    assert other is not None
    assert other.z == pytest.approx(found.z, rel=0.1)


def test_the_order_of_items_plays_no_part() -> None:
    rng = np.random.default_rng(2)
    rungs = made_rungs(rng, RISING)
    order = rng.permutation(len(rungs[0]))
    means = block_means(tuple(taken(rows, order) for rows in rungs))
    expected = block_means(rungs)
    assert sorted(means.round(9).tolist()) == sorted(expected.round(9).tolist())

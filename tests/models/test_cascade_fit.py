"""Bars fitted for agreement keep it, and a fit is read for the pair it was made for only."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stand_ins import Scripted

from models.calibration import Calibration, QuestionCalibration
from models.cascade import Bar
from models.cascade_fit import fit_bars, fit_place, pair_of, read_fit, shipped_place, write_fit
from models.errors import ModelError

scores = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=80)


def decided(questions, make_burst, values):
    by_text = {str(n): value for n, value in enumerate(values)}
    return Scripted(questions, by_text.__getitem__).decide([make_burst(text) for text in by_text])


@given(scores, scores, st.floats(0.6, 0.99))
def test_beyond_a_bar_the_models_agree_as_often_as_was_asked(questions, make_burst, ours, theirs, agreement) -> None:
    count = min(len(ours), len(theirs))
    small, large = (decided(questions, make_burst, values[:count]) for values in (ours, theirs))
    bar = fit_bars(questions, small, large, agreement)[questions[0].id]
    pairs = [(a, b) for (a, _), (b, _) in zip(ours, theirs, strict=False)]
    for side in (Bar(yes_from=bar.yes_from), Bar(no_from=bar.no_from)):
        kept = [(a >= 0.5) == (b >= 0.5) for a, b in pairs if side.settles(a)]
        assert not kept or sum(kept) >= agreement * (len(kept) + 1) - 1e-6


def test_a_handful_settles_nothing_and_enough_settle_all(questions, make_burst) -> None:
    for count, expected in ((48, None), (49, 0.9)):
        small = decided(questions, make_burst, [(0.9, 0.9)] * count)
        assert fit_bars(questions, small, small, 0.98)[questions[0].id] == Bar(yes_from=expected)


def test_questions_that_do_not_apply_are_not_counted(questions, make_burst) -> None:
    """The first question is no throughout, so the second is asked of nobody."""
    small = decided(questions, make_burst, [(0.01, 0.99)] * 200)
    bars = fit_bars(questions, small, small, 0.9)
    assert bars[questions[0].id].no_from == pytest.approx(0.99)
    assert bars[questions[1].id] == Bar()


def test_a_model_that_is_right_where_it_is_sure_gets_the_bar_that_parts_them(questions, make_burst) -> None:
    rng = random.Random(0)
    ours = [(rng.random(), 0.5) for _ in range(3000)]
    theirs = [(a if abs(a - 0.5) > 0.3 else rng.random(), 0.5) for a, _ in ours]  # a coin inside .2 to .8
    small, large = decided(questions, make_burst, ours), decided(questions, make_burst, theirs)
    bar = fit_bars(questions, small, large, 0.99)[questions[0].id]
    assert bar.yes_from == pytest.approx(0.8, abs=0.02)
    assert bar.no_from == pytest.approx(0.8, abs=0.02)


def test_a_fit_is_bound_to_its_pair(questions, tmp_path) -> None:
    plain = Calibration(gguf_sha256="0", questions={})
    warm = QuestionCalibration(version=questions[0].version, temperature=2.0)
    pair = pair_of("s", "l", plain, questions, 420)
    bars = {questions[0].id: Bar(yes_from=0.9)}
    place = fit_place(tmp_path, pair)
    write_fit(place, pair, bars, 0.98)
    assert read_fit([place], pair) == bars
    others = [
        pair_of("other", "l", plain, questions, 420),
        pair_of("s", "other", plain, questions, 420),
        pair_of("s", "l", plain, questions, 230),
        pair_of("s", "l", replace(plain, questions={questions[0].id: warm}), questions, 420),
        pair_of("s", "l", plain, [replace(questions[0], text="Reworded?"), questions[1]], 420),
    ]
    for other in others:
        assert fit_place(tmp_path, other) != place
        assert read_fit([place, shipped_place(tmp_path / "s.gguf")], other) is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"bars": 3}', '{"bars": {"is_question": {"from": 1}}}'])
def test_a_damaged_fit_is_explained(questions, tmp_path, text) -> None:
    place = tmp_path / "x.json"
    place.write_text(text)
    with pytest.raises(ModelError, match=r"x\.json"):
        read_fit([place], pair_of("s", "l", Calibration(gguf_sha256="0", questions={}), questions, 420))

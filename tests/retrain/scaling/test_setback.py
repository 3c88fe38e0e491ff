from dataclasses import replace

import numpy as np

from models.settings import GateSettings
from retrain.scaling.checks import ladder_checks
from retrain.scaling.setback import Setback, better, fell
from tests.retrain.ladders import made_ladder, made_rungs

SEED = 3


def test_a_fall_that_resampling_confirms_is_a_fall() -> None:
    strong, weak = made_rungs(np.random.default_rng(SEED), (2.0, 0.2))
    assert fell(strong, weak, np.random.default_rng(0))
    assert not fell(weak, strong, np.random.default_rng(0))
    assert not fell(strong, strong, np.random.default_rng(0))


def test_a_fall_within_noise_trains_nothing_again() -> None:
    tries = [made_rungs(np.random.default_rng(seed), (1.0, 1.0), items=60) for seed in range(40)]
    share = np.mean([fell(one, other, np.random.default_rng(0)) for one, other in tries])
    assert share < 0.2, "about one in ten of equal rungs is taken for worse"


def test_without_labels_nothing_falls() -> None:
    rows = made_rungs(np.random.default_rng(SEED), (1.0,))[0]
    empty = rows.take(np.array([], dtype=np.int64))
    assert not fell(empty, empty, np.random.default_rng(0))


def test_few_conversations_go_by_the_bare_figures() -> None:
    strong, weak = made_rungs(np.random.default_rng(SEED), (2.0, 0.2), conversations=2)
    assert fell(strong, weak, np.random.default_rng(0))


def test_one_adapter_is_kept_for_all_questions() -> None:
    good, bad = made_rungs(np.random.default_rng(SEED), (2.0, 0.0))
    middle = made_rungs(np.random.default_rng(SEED), (1.0,))[0]
    assert better([bad, middle], [good, bad])
    assert not better([good, good], [good, bad])
    assert not better([good], [good]), "a tie keeps the first"


def setback(again: float | None, *, kept: bool = False) -> Setback:
    return Setback(
        question="is_question",
        rung="rung-1",
        vanilla=0.61,
        tuned=0.52,
        again=again,
        learning_rate=1e-3,
        kept_again=kept,
    )


def test_the_sentence_says_what_was_tried_and_who_is_to_blame() -> None:
    assert "second is kept (the better of two" in setback(0.70, kept=True).told
    assert "0.0001" in setback(0.70, kept=True).told
    assert "still below vanilla, so the labels" in setback(0.55, kept=True).told
    assert "first is kept: still below vanilla" in setback(0.50).told
    assert "do not blame the labels yet" in setback(None).told


def test_the_tuned_check_tells_setbacks_and_keeps_its_outcome() -> None:
    ladder = made_ladder(np.random.default_rng(SEED), (0.5, 0.8, 1.1), (1.0, 1.5, 2.0))
    told = replace(ladder, setbacks=(setback(0.70, kept=True),))
    plain = ladder_checks(ladder, GateSettings(), np.random.default_rng(0))
    checks = ladder_checks(told, GateSettings(), np.random.default_rng(0))
    assert [c.outcome for c in checks] == [c.outcome for c in plain]
    [tuned] = [c for c in checks if c.name.endswith("tuned")]
    assert "trained again at a tenth of the learning rate" in tuned.reason
    assert tuned.figures["setback rung-1, again"] == 0.70

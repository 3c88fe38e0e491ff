from dataclasses import replace

from retrain.sweep.setting import VANILLA
from retrain.sweep.table import by_place, labels, shared, with_gain
from tests.retrain.sweep.made import LORA, ladder, made

PLUS = replace(LORA, method="lora+", ratio=4.0)


def test_names_tell_only_what_differs() -> None:
    ranks = [VANILLA, LORA, replace(LORA, rank=16)]
    assert list(labels(ranks).values()) == ["vanilla", "LoRA, rank 8", "LoRA, rank 16"]
    assert shared(ranks) == "alpha 16, 1e-3, 2 epochs"
    assert list(labels([VANILLA, LORA, PLUS]).values()) == ["vanilla", "LoRA", "LoRA+"]
    assert shared([VANILLA, LORA, PLUS]) == "rank 8, alpha 16, 1e-3, 2 epochs"
    ratios = [PLUS, replace(PLUS, ratio=16.0)]
    assert list(labels(ratios).values()) == ["LoRA+, ratio 4", "LoRA+, ratio 16"]
    assert shared([VANILLA]) == ""


def test_a_gain_is_against_the_same_rung_vanilla() -> None:
    vanilla = ladder(VANILLA, [0.6, 0.7])
    tuned = ladder(LORA, [0.7, 0.6])
    alone = made("z", 5, LORA, [0.7, 0.7])
    known = by_place([*vanilla, *tuned, alone])
    gains = [with_gain(point, known, "f1").gain for point in tuned]
    assert [gain and round(gain.value, 3) for gain in gains] == [0.1, -0.1]
    assert with_gain(vanilla[0], known, "f1").gain is None
    assert with_gain(alone, known, "f1").gain is None

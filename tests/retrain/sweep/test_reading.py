from dataclasses import replace

import numpy as np
import pytest

from retrain.sweep.paper import paper
from retrain.sweep.point import GOLD
from retrain.sweep.reading import Answer, Verdict, matters, read
from retrain.sweep.setting import VANILLA
from tests.retrain.sweep.made import LORA, ladder, made

PLUS = replace(LORA, method="lora+", ratio=16.0)


def answer(found: list[Answer], *words: str, by: str | None = None) -> Answer:
    """The one answer whose question has all these words, by log-probability only where that is asked for or a trend."""
    known = [one for one in found if all(word in one.asked for word in words)]
    known = [one for one in known if one.by == by or (by is None and (one.by != GOLD or "trend" in one.asked))]
    assert len(known) == 1, [one.asked for one in found]
    return known[0]


def test_the_papers_own_tables_are_read_as_it_reads_them() -> None:
    points = [point for table in paper().points.values() for point in table]
    found = read(list({(p.rung, p.setting): p for p in points}.values()), "f1", 0.0)
    assert answer(found, "precision rise", "vanilla").verdict is Verdict.YES
    assert answer(found, "F1 rise", "vanilla").verdict is Verdict.NO
    assert answer(found, "F1 rise", "LoRA").verdict is Verdict.NO
    fallen = answer(found, "fall when it is tuned")
    assert fallen.verdict is Verdict.YES
    assert fallen.why.startswith("Qwen1.5-4B falls.")
    assert "Qwen1.5-32B +25.4" in fallen.why
    tenth = answer(found, "tenth of the learning rate mend Qwen1.5-4B")
    assert tenth.verdict is Verdict.YES
    assert "2e-4 gains -11.5 and 2e-5 -3.4; 2e-5 less 2e-4: +8.1" in tenth.why
    assert answer(found, "rank matter").why.endswith("The highest value is that of 32.")
    assert answer(found, "LoRA+ epochs matter").why.startswith("Against 1 (43.0): 2 +9.9; 4 +4.7.")
    assert not any("trend" in one.asked for one in found)  # that takes rows


def test_the_model_that_is_no_rung_is_in_no_trend() -> None:
    mixture = [point for point in paper().points["ladder"] if not point.parameters]
    assert [point.figures["f1"].value for point in mixture] == [pytest.approx(0.3286), pytest.approx(0.6193)]
    assert all("MoE" not in one.why for one in read(paper().points["ladder"], "f1", 0.0))


def test_a_ladder_that_surely_rises_one_that_surely_falls_and_one_that_may_do_either() -> None:
    up = read(ladder(VANILLA, [0.6, 0.7, 0.8, 0.9], [-0.7, -0.6, -0.5, -0.4]), "f1", 0.02)
    assert answer(up, "precision rise").verdict is Verdict.YES
    assert answer(up, "trend").verdict is Verdict.YES
    bent = read(ladder(VANILLA, [0.6, 0.8, 0.7, 0.9], [-0.4, -0.5, -0.6, -0.7]), "f1", 0.02)
    assert answer(bent, "precision rise").verdict is Verdict.NO
    assert answer(bent, "trend").verdict is Verdict.NO
    wide = [made(name, size, LORA, [0.5, 0.9]) for size, name in enumerate("abc", start=1)]
    level = [
        replace(point, counts=made("x", 1, LORA, [0.9, 0.5]).counts) if point.rung == "b" else point for point in wide
    ]
    assert answer(read(level, "f1", 0.02), "F1 rise").verdict is Verdict.CANNOT_TELL


def test_which_rung_falls_and_whether_a_tenth_of_the_rate_mends_it() -> None:
    vanilla = ladder(VANILLA, [0.6, 0.7, 0.8])
    tuned = ladder(LORA, [0.7, 0.75, 0.6])
    gentle = made("c", 100, replace(LORA, learning_rate=1e-4), [0.85, 0.85])
    found = read([*vanilla, *tuned, gentle], "f1", 0.02)
    fallen = answer(found, "fall when it is tuned")
    assert fallen.verdict is Verdict.YES
    assert fallen.why.startswith("c falls.")
    assert answer(found, "tenth").verdict is Verdict.YES
    assert answer(found, "fall when it is tuned", by=GOLD).verdict is Verdict.NO  # the made log-probabilities are alike
    worse = read([*vanilla, *tuned, made("c", 100, gentle.setting, [0.5, 0.5])], "f1", 0.02)
    assert answer(worse, "tenth").verdict is Verdict.NO
    well = read([*vanilla, *ladder(LORA, [0.7, 0.8, 0.9]), gentle], "f1", 0.02)
    assert answer(well, "fall when it is tuned").verdict is Verdict.NO
    assert answer(well, "tenth").verdict is Verdict.MOOT


def test_a_rank_matters_does_not_matter_or_cannot_be_told() -> None:
    def group(shares: list[list[float]]) -> Answer:
        points = [made("a", 1, replace(LORA, rank=2**place), share) for place, share in enumerate(shares)]
        return matters("rank", "rank", points, "f1", 0.02)

    assert group([[0.7, 0.7], [0.8, 0.8]]).verdict is Verdict.YES
    assert group([[0.7, 0.7], [0.7, 0.7], [0.7, 0.7]]).verdict is Verdict.NO
    assert group([[0.7, 0.7], [0.71, 0.71]]).verdict is Verdict.NO  # surely better, and surely by less than matters
    assert group([[0.6, 0.8], [0.9, 0.5]]).verdict is Verdict.CANNOT_TELL


def test_what_knows_less_than_the_rates_is_told() -> None:
    knows = read(ladder(VANILLA, [0.6, 0.7, 0.8], [-0.5, -0.4, -0.3]), "f1", 0.02)
    assert answer(knows, "know more", by=GOLD).verdict is Verdict.YES
    less = read(ladder(VANILLA, [0.6, 0.7, 0.8], [-0.9, -0.4, -0.3]), "f1", 0.02)
    assert answer(less, "know more", by=GOLD).verdict is Verdict.NO
    even = read(ladder(VANILLA, [0.6, 0.7], [float(np.log(0.5)), -0.3]), "f1", 0.02)
    assert answer(even, "know more", by=GOLD).verdict is Verdict.CANNOT_TELL


def test_lora_plus_is_compared_with_lora_all_else_equal() -> None:
    lora = [made(rung, size, LORA, [0.7, 0.7]) for size, rung in enumerate("ab", start=1)]

    def plus(*shares: float) -> Answer:
        better = [made(p.rung, p.parameters, PLUS, [s, s]) for p, s in zip(lora, shares, strict=True)]
        return answer(read([*lora, *better], "f1", 0.02), "Is LoRA+ better")

    assert plus(0.8, 0.7).verdict is Verdict.YES
    assert plus(0.7, 0.6).verdict is Verdict.NO
    assert plus(0.8, 0.6).verdict is Verdict.CANNOT_TELL
    other = made("a", 1, replace(PLUS, rank=16), [0.9, 0.9])
    assert not any("better" in one.asked for one in read([*lora, other], "f1", 0.02))


def test_epochs_are_compared_for_lora_plus_alone_and_all_else_equal() -> None:
    points = [
        made("a", 1, replace(setting, epochs=count), [0.7, 0.7]) for setting in (LORA, PLUS) for count in (1, 2, 4)
    ]
    found = [one for one in read(points, "f1", 0.02) if "epochs matter" in one.asked and one.by == "f1"]
    assert [one.verdict for one in found] == [Verdict.NO]
    assert "LoRA+" in found[0].asked
    assert "epoch," not in found[0].asked

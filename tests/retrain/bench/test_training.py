from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner

from models.errors import InputError, TrainingError
from retrain.bench.commands import bench
from retrain.bench.training.arms import (
    FASTER,
    LEANER,
    OURS,
    TOGETHER,
    Turn,
    compare,
    explained,
    figures,
    take_turns,
    turn_of,
)
from retrain.bench.training.ours import run
from retrain.bench.training.task import Task, default_questions, examples_of, peak_bytes, plan_of, rows_of
from retrain.checkpoint import STARTER
from retrain.fit import batches, drawn_orders
from retrain.tokenizer import HubTokenizer

TASK = Task(arm=OURS, model="starter-base-xs", steps=3, batch=4, threads=1)


def test_trl_gets_the_rows_of_our_batches_in_our_order() -> None:
    questions, tokenizer = default_questions(), HubTokenizer(str(STARTER))
    rows = rows_of(TASK, questions, tokenizer)
    examples, plan = examples_of(TASK, questions, tokenizer, together=False), plan_of(TASK, 1)
    assert len(rows) == len(examples) == 4 * 5, "three timed steps, one to warm up, one that saves"
    order = [i for batch in batches(examples, plan, 0) for i in batch]
    for row, i in zip(rows, order, strict=True):
        start = (*examples[i].prompt.preamble, *examples[i].prompt.chat)
        assert row.ids[: len(start)] == start
    [(question, drawn)] = drawn_orders([examples[order[0]]], plan, 0)[0]
    right = examples[order[0]].targets[question].index(1.0)
    assert row.ids
    letters = [tokenizer.ids(letter, special=False)[0] for letter in "ABC"]
    assert rows[0].answer == letters[drawn.index(right)]


def test_questions_together_are_the_same_samples_in_half_the_rows() -> None:
    questions, tokenizer = default_questions(), HubTokenizer(str(STARTER))
    apart = examples_of(TASK, questions, tokenizer, together=False)
    together = examples_of(TASK, questions, tokenizer, together=True)
    assert len(together) * 2 == len(apart)
    assert [e.prompt.chat for e in apart[::2]] == [e.prompt.chat for e in together]
    assert [{**a.targets, **b.targets} for a, b in zip(apart[::2], apart[1::2], strict=True)] == [
        e.targets for e in together
    ]


def turn(step: float, peak: int) -> Turn:
    return Turn(wall_s=(step, step), cpu_s=(step, step), peak_bytes=peak)


def test_first_and_last_step_are_not_timed() -> None:
    found = turn_of([(0.0, 0.0), (9.0, 9.0), (10.0, 11.0), (99.0, 99.0)], 5)
    assert found.wall_s == (9.0, 1.0)
    assert found.cpu_s == (9.0, 2.0)


def test_arms_take_turns_and_the_fastest_of_trl_is_the_rival() -> None:
    seen: list[str] = []
    speeds = {OURS: 1.0, TOGETHER: 0.5, "trl nll plain": 3.0, "trl chunked_nll plain": 1.5}

    def once(arm: str) -> Turn:
        seen.append(arm)
        return turn(speeds[arm], 70 if arm in (OURS, TOGETHER) else 100)

    turns = take_turns(list(speeds), 2, once, lambda _told: None)
    assert seen[:4] == list(speeds)
    assert seen[4:] == [*list(speeds)[1:], OURS]
    ours, together = compare(turns)
    assert (ours.rival, ours.speed, together.speed) == ("trl chunked_nll plain", 1.5, 3.0)
    assert ours.memory == pytest.approx(0.7)
    assert ours.reached
    assert figures(OURS, turns[OURS], 4).samples_per_s == 4.0
    assert (FASTER, LEANER) == (1.2, 0.8)


def test_slower_or_fatter_is_missed() -> None:
    for mine in (turn(1.4, 70), turn(1.0, 90)):
        [found] = compare({OURS: [mine], "trl nll plain": [turn(1.5, 100)]})
        assert not found.reached


def test_the_leanest_of_trl_is_a_rival_apart() -> None:
    turns = {OURS: [turn(1.0, 70)], "trl nll plain": [turn(1.5, 100)], "trl nll checkpointing": [turn(2.0, 60)]}
    fast, lean = compare(turns)
    assert (fast.rival, fast.speed, fast.memory, fast.reached) == ("trl nll plain", 1.5, 0.7, True)
    assert (lean.rival, lean.speed, lean.reached) == ("trl nll checkpointing", 2.0, False)


def test_trl_that_is_missing_is_said_with_how_to_install_it() -> None:
    missing = explained("trl nll plain", 1, "Traceback ...\nModuleNotFoundError: No module named 'trl'\n")
    assert isinstance(missing, InputError)
    assert "[bench]" in str(missing)
    broken = explained("trl nll plain", -9, "")
    assert isinstance(broken, TrainingError)
    assert "'trl nll plain' ended with status -9" in str(broken)


def test_batches_hold_both_questions_of_a_burst() -> None:
    odd = CliRunner().invoke(bench, ["train", "--model", "tiny", "--batch", "3"])
    assert "even" in str(odd.exception)


def test_our_arm_trains_and_tells_its_steps(tmp_path: Path) -> None:
    ends = run(replace(TASK, steps=1, batch=2), tmp_path)
    assert len(ends) == 3
    assert all(later > earlier for (earlier, _), (later, _) in pairwise(ends))
    assert peak_bytes() > 10_000_000

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from models.errors import InputError
from models.labelled import read_items
from models.settings import load_settings
from retrain.bench.heads import UpperHeads
from retrain.bench.room_intervals import share_interval
from retrain.bench.rungs import UpperRungs
from retrain.bench.suspects import auc, biased_annotator, random_flips
from retrain.cli import cli
from retrain.peer import labelled
from tests.retrain.bench.test_accuracy import write_rows

ROOT = Path(__file__).parents[3]


def test_planted_labels_are_found_far_above_chance(tmp_path: Path) -> None:
    rows = write_rows(tmp_path / "train.jsonl", range(400), "t")
    words = ["bench", "suspects", str(rows), "--seeds", "2", "--noise", "10% flips", "--noise", "biased", "--json"]
    ended = CliRunner().invoke(cli, [*words, "--config", str(ROOT / "config.toml")], catch_exceptions=False)
    assert ended.exit_code == 0
    found = json.loads(ended.stdout)
    flips = [run for run in found["runs"] if run["question"] == "is_question" and run["noise"] == "10% flips"]
    assert len(flips) == 2
    for run in flips:
        assert run["labels"] == 400
        assert run["chance"] == pytest.approx(0.1, abs=0.05)
        assert run["precision"] > 0.8  # a "?" tells these rows apart
        assert run["recall"] > 0.8
        assert run["auc"] > 0.95
    assert found["false_alarm_rate"] == 0.0
    [summary] = [s for s in found["summaries"] if (s["question"], s["noise"]) == ("is_question", "10% flips")]
    low, high = summary["over_rooms"]["precision"]
    assert low <= summary["figures"]["precision"][0] <= high
    assert set(summary["over_rooms"]) >= {"chance", "recall", "confident_precision", "rungs_recall"}
    mean, half = summary["figures"]["precision"]
    assert mean == pytest.approx(np.mean([run["precision"] for run in flips]))
    assert half >= 0


def test_flips_and_bias_are_what_they_say() -> None:
    truth = np.arange(1000) % 2 * 1.0
    marked = np.arange(1000) % 4 == 1
    flipped = random_flips(truth, 0.2, np.random.default_rng(0))
    assert (flipped.given != truth).tolist() == flipped.wrong.tolist()
    assert flipped.wrong.mean() == pytest.approx(0.2, abs=0.04)
    biased = biased_annotator(truth, marked, np.random.default_rng(0))
    assert (biased.given != truth).tolist() == biased.wrong.tolist()
    assert biased.wrong.any()
    for row in np.flatnonzero(biased.wrong):
        assert biased.annotators[row] == ("a0",)
        assert not marked[row]
        assert (truth[row], biased.given[row]) == (1, 0)


def test_the_area_under_the_curve_counts_ties_half() -> None:
    assert auc(np.array([3.0, 2.0, 1.0]), np.array([True, False, False])) == 1.0
    assert auc(np.array([1.0, 1.0, 1.0]), np.array([True, False, False])) == 0.5


def test_a_rung_that_learned_from_gold_may_judge_only_what_it_never_saw(tmp_path: Path) -> None:
    settings = load_settings(ROOT / "config.toml")
    with pytest.raises(InputError, match="name starter-base-xs, or say --unseen"):
        UpperRungs(("starter-xs",), settings, tmp_path, lambda _told: None)
    UpperRungs(("starter-xs",), settings, tmp_path, lambda _told: None, unseen=True)
    assert (tmp_path / "bases" / "starter-xs").is_dir(), "its gold adapter is merged in"


def test_heads_of_upper_rungs_judge_labels_of_conversations_they_did_not_learn_from(tmp_path: Path) -> None:
    settings = load_settings(ROOT / "config.toml")
    items = read_items(write_rows(tmp_path / "train.jsonl", range(100), "t"), settings.questions)
    question = settings.questions[0]
    rows = labelled(question, items)
    given = np.array([item.answers[question.id] == question.positive for item in rows], dtype=np.float64)
    said: list[str] = []
    heads = UpperHeads(("starter-base-xs",), items, settings, tmp_path / "work", said.append)
    before = heads(question, rows, given)
    assert before.shape == (1, len(rows))
    assert auc(before[0], given > 0.5) > 0.8  # a "?" tells these rows apart
    own = np.array([item.conversation == rows[0].conversation for item in rows])
    turned = heads(question, rows, np.where(own, 1 - given, given))
    assert np.array_equal(turned[0][own], before[0][own])
    assert not np.array_equal(turned[0][~own], before[0][~own])
    assert len(list((tmp_path / "work").glob("starter-base-xs.*.npy"))) == 1
    with pytest.raises(InputError, match="name starter-base-xs"):
        UpperHeads(("starter-xs",), items, settings, tmp_path, said.append)


def test_intervals_over_rooms_hold_the_share_and_grow_as_rooms_grow_fewer() -> None:
    rng = np.random.default_rng(1)
    sent = rng.integers(1, 20, size=80)
    bad = rng.binomial(sent, 0.6)
    many = share_interval([bad, bad], [sent, sent])
    few = share_interval([bad[:8]], [sent[:8]])
    assert many is not None
    assert few is not None
    assert many[0] < bad.sum() / sent.sum() < many[1]
    assert many[0] < 0.6 < many[1]
    assert few[1] - few[0] > 1.5 * (many[1] - many[0])
    assert share_interval([bad[:1]], [sent[:1]]) is None
    assert share_interval([np.zeros(5, np.int64)], [np.zeros(5, np.int64)]) == (0.0, 0.0)

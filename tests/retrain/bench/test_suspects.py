import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from models.errors import InputError
from retrain.bench.rungs import UpperRungs
from retrain.bench.suspects import auc, biased_annotator, random_flips
from retrain.cli import cli
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


def test_a_rung_that_learned_from_gold_may_not_judge_it(tmp_path: Path) -> None:
    from models.settings import load_settings

    with pytest.raises(InputError, match="name starter-base-xs"):
        UpperRungs(("starter-xs",), load_settings(ROOT / "config.toml"), tmp_path, lambda _told: None)

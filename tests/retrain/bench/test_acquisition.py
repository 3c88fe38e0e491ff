import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from models.acquisition.ngrams import distinct, vectors
from models.errors import InputError
from models.settings import load_settings
from retrain.bench.acquisition.figures import _needed, compare, rising
from retrain.bench.acquisition.loop import full, pool_rows, run
from retrain.bench.acquisition.sets import LabelledSet, read_sets, subsample
from retrain.cli import cli as main
from retrain.head import fit_head
from tests.retrain.conftest import IS_QUESTION, make_item

ROOT = Path(__file__).parents[3]
RARE = 0.1
"""Of the answers that are positive: what chance seldom finds."""


def made_set(rows=400, judged=200, width=6, seed=0):
    """Rows whose answer is a line through their features, a rare one; a conversation has ten."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(rows + judged, width)) / np.sqrt(width)
    line = features @ np.array([2.0, -1.0, 0.5, 0.0, 0.0, 0.0][:width])
    gold = (line > np.quantile(line, 1 - RARE)).astype(float)
    grams = vectors([f"text {i} {rng.integers(10**9)}" for i in range(rows)])
    return LabelledSet(
        name="made: is_question",
        pool=tuple(make_item(i) for i in range(rows)),
        judged=tuple(make_item(rows + i) for i in range(judged)),
        question=IS_QUESTION,
        features={"hidden": (features, features[:, ::-1]), "words": (features,)},
        gold=gold,
        vectors=grams,
        fresh=distinct(grams, grams[:0]),
        conversation=np.arange(judged) // 10,
    )


@pytest.fixture(scope="module")
def known():
    return made_set()


def test_a_run_is_the_same_for_a_seed_and_judges_every_row_after_every_batch(known):
    rows = pool_rows(known, 300, 1)
    first, again = (run(known, "hidden", "committee", rows, 1) for _ in range(2))
    assert first.labels == (25, 50, 100, 150, 200)
    assert np.array_equal(first.tables, again.tables)
    assert first.tables.shape == (5, 20, 4)
    assert first.tables.sum(axis=(1, 2)).tolist() == [200] * 5
    assert first.changed[0] == 200
    assert (first.changed[1:] < 200).all()


def test_margin_needs_fewer_labels_than_chance_where_the_answer_is_rare(known):
    drawn = [pool_rows(known, 300, seed) for seed in range(4)]
    courses = {
        name: [run(known, "words", name, rows, seed) for seed, rows in enumerate(drawn)]
        for name in ("margin", "random")
    }
    whole = [full(known, "words", rows) for rows in drawn]
    found = compare("made", "words", courses, whole, 300, np.random.default_rng(0))
    margin, chance = found.standings
    assert margin.gap > 0
    assert margin.gap_interval[0] <= margin.gap <= margin.gap_interval[1]
    assert margin.ratio < 1
    assert (chance.ratio, chance.ratio_interval, chance.gap, chance.worst) == (1.0, (1.0, 1.0), 0.0, 0.0)
    assert (found.judged, found.conversations, found.seeds, found.note) == (200, 20, 4, "")


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_the_rising_curve_never_falls_and_keeps_the_sum(values):
    found = rising(np.array(values))
    assert (np.diff(found) >= -1e-12).all()
    assert found.sum() == pytest.approx(sum(values))
    if values == sorted(values):
        assert found.tolist() == pytest.approx(values)


def test_labels_needed_lie_between_the_numbers_that_were_tried():
    labels = (100, 200, 400)
    assert _needed(np.array([0.5, 0.9, 1.0]), 1.0, labels, 1000) == pytest.approx(300)
    assert _needed(np.array([0.96, 0.9, 1.0]), 1.0, labels, 1000) > 200  # noise at first does not count
    assert _needed(np.array([0.97, 0.98, 1.0]), 1.0, labels, 1000) == 100
    assert 400 < _needed(np.array([0.5, 0.6, 0.7]), 1.0, labels, 1000) <= 1000


def test_a_head_learns_a_line_and_tells_the_rate_where_it_saw_one_answer_alone():
    features = np.random.default_rng(0).normal(size=(200, 3))
    gold = (features[:, 0] > 0.3).astype(float)
    said = fit_head(features, gold).positive(features) >= 0.5
    assert (said == (gold > 0.5)).mean() > 0.95
    assert fit_head(features[:3], np.ones(3)).positive(features[:2]).tolist() == pytest.approx([0.8, 0.8])


def test_a_subsample_is_the_same_in_every_run_and_in_order():
    items = [make_item(i) for i in range(50)]
    kept = subsample(items, 20)
    assert kept == subsample(items, 20)
    assert len(kept) == 20
    assert kept == [item for item in items if item in kept]


def write_rows(path, begin, count):
    rows = [
        {
            "id": i,
            "room": f"room {i // 6}",
            "sender": "a",
            "text": f"how do I use tool {i * 37 % 101} and {i}" if i % 3 == 0 else f"tool {i * 53 % 89} is fine, {i}",
            "window": [{"sender": "b", "text": f"hello {i}"}],
            "is_question": i % 3 == 0,
        }
        for i in range(begin, begin + count)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sets")
    return write_rows(folder / "made_train.jsonl", 0, 420), write_rows(folder / "made_dev.jsonl", 420, 72)


def test_the_command_compares_strategies_on_a_choosing_and_a_confirming_set(files, tmp_path):
    train, dev = files
    asked = ["bench", "acquisition", "--choose", train, "--confirm", train, dev, "--rung", "starter-base-xs"]
    asked += ["--arm", "hidden", "--seeds", 2, "--pool", 160, "--work", tmp_path, "--json"]
    done = CliRunner().invoke(main, [str(word) for word in asked], catch_exceptions=False)
    choose, confirm = json.loads(done.stdout)
    assert (choose["use"], confirm["use"]) == ("choose", "confirm")
    assert choose["judged"] + 300 <= 420
    assert confirm["judged"] == 72
    for one in (choose, confirm):
        assert [s["strategy"] for s in one["standings"]][-2:] == ["random", "margin, cold start by chance"]
    kept = sorted(path.name for path in tmp_path.glob("starter-base-xs.*.npy"))
    assert len(kept) == 2  # train and dev, each read once


def test_files_that_share_a_conversation_are_refused(files, settings_of_config, tmp_path):
    train, _ = files
    with pytest.raises(InputError, match="share 70 conversations"):
        read_sets(train, train, settings_of_config, (), 3000, tmp_path, lambda _: None)


@pytest.fixture
def settings_of_config():
    return load_settings(ROOT / "config.toml")


@pytest.mark.timeout(300)
def test_real_lora_runs_are_kept_and_go_on_where_they_stopped(files, tmp_path):
    train, dev = files
    config = tmp_path / "config.toml"
    config.write_text("[train]\nepochs = 1\nrank = 4\n[decide]\nmax_prompt_tokens = 200\n", encoding="utf-8")
    asked = ["bench", "acquisition-lora", train, dev, "--rung", "starter-base-xs", "--seeds", 1, "--pool", 100]
    asked += ["--labels", 20, "--labels", 60, "--work", tmp_path, "--config", config, "--json"]
    first = CliRunner().invoke(main, [str(word) for word in asked], catch_exceptions=False)
    told = json.loads(first.stdout)
    found = told["runs"]
    assert [(r["strategy"], r["labels"]) for r in found] == [
        ("margin", 20),
        ("margin", 60),
        ("random", 20),
        ("random", 60),
    ]
    assert all(0 <= r["macro_f1"] <= 1 for r in found)
    made = {path: path.stat().st_mtime_ns for path in (tmp_path / "lora").glob("*.json")}
    assert len(made) == 4
    again = CliRunner().invoke(main, [str(word) for word in asked], catch_exceptions=False)
    assert json.loads(again.stdout) == told
    of = {(r["strategy"], r["labels"]): r for r in found}
    for one in told["ahead_of_random"]:
        for figure in ("macro_f1", "loss"):
            mean, low, high = one[figure]
            apart = of["margin", one["labels"]][figure] - of["random", one["labels"]][figure]
            assert mean == pytest.approx(apart, abs=1e-9)
            assert low <= high
    assert [one["labels"] for one in told["ahead_of_random"]] == [20, 60]
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "lora").glob("*.json")} == made

import re
from pathlib import Path

import pytest

from models.errors import SettingsError
from retrain.sweep.plan import load_plan
from retrain.sweep.setting import VANILLA, Run, short

TOP = 'train = "a.jsonl"\ntest = "b.jsonl"\nrungs = ["starter-base-xs", "starter-base-s"]\n'


def plan_file(folder: Path, text: str) -> Path:
    path = folder / "plan.toml"
    path.write_text(TOP + text, encoding="utf-8")
    return path


def test_a_grid_is_every_combination_and_a_run_that_stands_twice_is_done_once(tmp_path: Path) -> None:
    text = """
seeds = [3, 4]
[[experiment]]
name = "ladder"
method = ["vanilla", "lora", "lora+"]
rank = [8, 16]
ratio = [4, 16]
[[experiment]]
name = "ranks"
rungs = ["starter-base-s"]
method = "lora"
rank = [16, 32]
"""
    plan = load_plan(plan_file(tmp_path, text))
    assert plan.train == tmp_path / "a.jsonl"
    ladder, ranks = plan.experiment
    assert len(ladder.settings) == 1 + 2 + 2 * 2
    assert {s.ratio for s in ladder.settings if s.method == "lora"} == {1.0}
    runs = plan.runs()
    assert len(runs) == len(set(runs)) == 2 * (1 + 6 * 2) + 2
    assert [r for r in runs if r.setting == VANILLA] == [
        Run(rung=rung, setting=VANILLA, seed=0) for rung in ("starter-base-xs", "starter-base-s")
    ]
    assert set(plan.runs("ranks")) == {
        Run(rung="starter-base-s", setting=setting, seed=seed) for setting in ranks.settings for seed in (3, 4)
    }


def test_one_seed_of_everything_comes_before_the_next(tmp_path: Path) -> None:
    text = 'seeds = [7, 2]\n[[experiment]]\nname = "a"\nrank = [8, 16]\n[[experiment]]\nname = "b"\nrank = 32\n'
    seeds = [run.seed for run in load_plan(plan_file(tmp_path, text)).runs()]
    assert seeds == [7] * 6 + [2] * 6


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[[experiment]]\nname = "a"\nmethod = "qlora"', r"experiment a\.method.*'vanilla', 'lora' or 'lora\+'"),
        ('[[experiment]]\nname = "a"\nrang = 8', r"experiment a\.rang: there is no such key; known are name.*rank"),
        (
            '[[experiment]]\nname = "a"\npaper = "table 9"',
            "experiment a.paper: must be one of ladder, rates, ranks, plus",
        ),
        ('[[experiment]]\nname = "a"\nlearning_rate = [2e-4, 2.0]', r"experiment a\.learning_rate\.1: .*less than 1"),
        ("[[experiment]]\nrank = 8", r"experiment 1\.name: Field required"),
        ('[[experiment]]\nname = "../a"', r"experiment ../a\.name: String should match"),
        ('[[experiment]]\nname = "a"\n[[experiment]]\nname = "a"', "two experiments have the name a"),
        ('metric = "accuracy"\n[[experiment]]\nname = "a"', "metric: must be one of precision, recall, f1, macro_f1"),
        ("rows = -1", r"2 fault\(s\)"),
        ("[[experiment", "not readable as TOML"),
    ],
)
def test_faults_name_their_key_and_what_is_allowed(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(SettingsError) as error:
        load_plan(plan_file(tmp_path, text))
    assert re.search(told, str(error.value)), str(error.value)


def test_an_experiment_that_is_not_there_and_a_plan_that_is_not_there(tmp_path: Path) -> None:
    plan = load_plan(plan_file(tmp_path, '[[experiment]]\nname = "a"\n'))
    with pytest.raises(SettingsError, match="no experiment is named b; there are a"):
        plan.runs("b")
    with pytest.raises(SettingsError, match="there is no plan at"):
        load_plan(tmp_path / "none.toml")


def test_rates_are_written_as_people_do() -> None:
    assert [short(rate) for rate in (2e-4, 1e-3, 2.5e-5, 0.01)] == ["2e-4", "1e-3", "2.5e-5", "1e-2"]


def test_the_example_in_the_docs_is_a_plan() -> None:
    plan = load_plan(Path(__file__).parents[3] / "docs" / "examples" / "paper.toml")
    assert {experiment.paper for experiment in plan.experiment} == {"ladder", "rates", "ranks", "plus"}

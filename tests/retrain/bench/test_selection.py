import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from models.errors import InputError
from models.settings import load_settings
from models.toml import dump_settings
from retrain.bench.acquisition.loop import pool_rows
from retrain.bench.selection.arms import ARMS, RANDOM, SHARES, Arm
from retrain.bench.selection.command import PRODUCT
from retrain.bench.selection.figures import best, compare
from retrain.bench.selection.lora import Confirmation
from retrain.bench.selection.sweep import Vanilla, sweep
from retrain.cli import cli as main
from tests.retrain.bench.test_acquisition import made_set, write_rows
from tests.retrain.conftest import make_item, make_settings

ROOT = Path(__file__).parents[3]
FEW_ARMS = {name: ARMS[name] for name in (RANDOM, "margin", "learnability", "IFD")}


@pytest.fixture(scope="module")
def swept():
    known = made_set()
    rng = np.random.default_rng(0)
    vanilla = Vanilla(positive=rng.uniform(0.1, 0.5, len(known.pool)), blank=0.3)
    pools = [pool_rows(known, 300, seed) for seed in range(3)]
    found = sweep(known, vanilla, pools, arms=FEW_ARMS)
    again = sweep(known, vanilla, pools, arms=FEW_ARMS)
    assert all(np.array_equal(found.tables[name], again.tables[name]) for name in FEW_ARMS)
    return found


def test_every_arm_takes_the_same_number_of_labels_and_all_are_alike_at_the_whole_share(swept) -> None:
    for name in FEW_ARMS:
        assert swept.tables[name].shape == (3, len(SHARES), 20, 4)
        assert swept.taken[name].tolist() == [[18, 50, 150, 300]] * 3
        assert np.array_equal(swept.tables[name][:, -1], swept.tables[RANDOM][:, -1])


def test_the_reference_never_saw_the_conversation_that_it_scores() -> None:
    known = made_set()
    vanilla = Vanilla(positive=np.full(len(known.pool), 0.5), blank=0.5)
    rows = pool_rows(known, 300, 0)
    [losses] = sweep(known, vanilla, [rows], arms={RANDOM: ARMS[RANDOM]}).losses
    turned = known.gold.copy()
    mine = [i for i in rows.tolist() if known.pool[i].conversation == known.pool[rows[0]].conversation]
    turned[mine] = 1 - turned[mine]
    other = type(known)(**{n: getattr(known, n) for n in known.__slots__} | {"gold": turned})
    [after] = sweep(other, vanilla, [rows], arms={RANDOM: ARMS[RANDOM]}).losses
    place = rows.tolist().index(mine[0])
    both = np.exp(-losses.reference[place]) + np.exp(-after.reference[place])
    assert both == pytest.approx(1.0, abs=0.01), "what it is fitted by comes from heads that saw it"


def test_arms_stand_beside_random_and_all_labels(swept) -> None:
    found = compare("made", swept, np.random.default_rng(0))
    rows = {row.arm: row for row in found.rows}
    chance = rows[RANDOM]
    assert (chance.mean, chance.mean_interval) == (0.0, (0.0, 0.0))
    assert chance.at[-1].over_all == 0.0
    assert [at.labels for at in chance.at] == [18, 50, 150, 300]
    low, high = rows["margin"].mean_interval
    assert low <= rows["margin"].mean <= high
    below = [rows["margin"].at[i].over_random for i in range(3)]
    assert rows["margin"].mean == pytest.approx(np.mean(below))
    assert best([found], tuple(FEW_ARMS)[1:]) == max(tuple(FEW_ARMS)[1:], key=lambda arm: rows[arm].mean)
    assert 0 < found.says["above_one"] < 1
    assert found.says["blank_spread"] > 0.5


def test_an_uninformative_base_is_said_to_be_one() -> None:
    known = made_set()
    vanilla = Vanilla(positive=np.full(len(known.pool), 0.5), blank=0.5)
    arms = {RANDOM: ARMS[RANDOM], "few": Arm(method="learnability", losses="few")}
    found = compare("made", sweep(known, vanilla, [pool_rows(known, 200, 0)] * 2, arms=arms), np.random.default_rng(0))
    assert len(found.notes) == 2
    assert "IFD carries nothing" in found.notes[0]
    assert "untuned model tells them apart too little" in found.notes[1]


def test_what_a_training_can_choose_by_leaves_out_chance_and_other_bases() -> None:
    assert RANDOM not in PRODUCT
    assert "learnability, base of 50 labels" not in PRODUCT
    assert "learnability" in PRODUCT


def test_a_stopped_confirmation_trains_nothing_twice(checkpoint: Path, tmp_path: Path) -> None:
    settings = make_settings(tmp_path, (checkpoint,), checkpoint)
    items, held = [make_item(i) for i in range(40)], [make_item(i) for i in range(100, 108)]

    def confirm(said: list[str]) -> list:
        confirmation = Confirmation(str(checkpoint), items, held, settings, tmp_path / "work", said.append)
        return [confirmation.run("learnability", 0.5, 0), confirmation.run(RANDOM, 1.0, 1)]

    first: list[str] = []
    again: list[str] = []
    found = confirm(first)
    assert [(one.labels, one.seed) for one in found] == [(30, 0), (60, 1)]
    assert set(found[0].macro_f1) == {q.id for q in settings.questions}
    assert confirm(again) == found
    assert sum("train" in line for line in first) == 2 + 2
    assert not any("train" in line for line in again)


def test_a_rung_that_knows_gold_is_refused(tmp_path: Path) -> None:
    settings = load_settings(ROOT / "config.toml")
    with pytest.raises(InputError, match="starter-base"):
        Confirmation("starter-xs", [], [], settings, tmp_path, print)


def test_one_seed_has_no_interval_and_no_sweep_names_no_best() -> None:
    for words in (["--seeds", "1"], ["--seeds", "0"], ["--seeds", "0", "--lora"]):
        with pytest.raises(InputError, match="which leaves the sweep out"):
            CliRunner().invoke(main, ["bench", "selection", "a", "b", *words], catch_exceptions=False)


def test_the_command_prints_what_it_found(checkpoint: Path, tmp_path: Path) -> None:
    settings = make_settings(tmp_path, (checkpoint,), checkpoint)
    config = tmp_path / "config.toml"
    config.write_text(dump_settings(settings), encoding="utf-8")
    write_rows(tmp_path / "q_train.jsonl", 0, 306)
    write_rows(tmp_path / "q_dev.jsonl", 600, 66)
    words = [str(tmp_path / "q_train.jsonl"), str(tmp_path / "q_dev.jsonl"), "--rung", str(checkpoint)]
    words += ["--seeds", "2", "--pool", "100", "--work", str(tmp_path / "work"), "--config", str(config), "--json"]
    ended = CliRunner().invoke(main, ["bench", "selection", *words], catch_exceptions=False)
    found = json.loads(ended.stdout)
    assert found["best"] in PRODUCT
    [result] = found["sweep"]
    assert (result["pool"], result["seeds"]) == (100, 2)
    assert [row["arm"] for row in result["rows"]] == list(ARMS)
    assert found["lora"] == []

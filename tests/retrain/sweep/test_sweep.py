"""Whole sweeps on a tiny checkpoint: kept by hash, gone on with after a kill, reported."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from models.errors import InputError, SettingsError
from models.item import Item
from models.toml import dump_settings
from retrain import fit
from retrain.cli import cli
from retrain.sweep.plan import load_plan
from retrain.sweep.report import write_report
from retrain.sweep.rows import drawn, read_rows, shared_rows
from retrain.sweep.run import Bench, by_key, do, probe
from retrain.sweep.setting import VANILLA
from tests.retrain.conftest import IS_QUESTION, NEEDS_CONTEXT, make_item, make_settings

QUESTIONS = (IS_QUESTION, NEEDS_CONTEXT)


def write_rows(path: Path, numbers: Sequence[int], room: str) -> Path:
    rows = []
    for number in numbers:
        item = make_item(number)
        window = [{"sender": m.sender, "text": m.text} for m in item.burst.window]
        rows.append(
            {"id": number, "room": f"{room}{number // 10}", "sender": "ann", "text": item.burst.text, "window": window}
            | dict(item.answers)
        )
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def write_plan(folder: Path, checkpoint: Path, more: str = "") -> Path:
    write_rows(folder / "train.jsonl", range(40), "train")
    write_rows(folder / "test.jsonl", range(100, 140), "test")
    text = f"""
title = "A tiny <sweep>"
train = "train.jsonl"
test = "test.jsonl"
rungs = ["{checkpoint.name}"]
rows = 20
batch = 4
warmup_steps = 1
dropout = 0.0
{more}
[[experiment]]
name = "small"
paper = "rates"
method = ["vanilla", "lora"]
rank = 2
learning_rate = [1e-3]
"""
    (folder / checkpoint.name).symlink_to(checkpoint)
    path = folder / "plan.toml"
    path.write_text(text, encoding="utf-8")
    return path


def bench_of(file: Path, folder: Path) -> Bench:
    plan = load_plan(file)
    return Bench(plan=plan, rows=read_rows(plan, QUESTIONS), budget=420, folder=folder, beside=file.parent)


def quiet(_done: int, _total: int, _loss: float | None) -> None:
    pass


def test_a_killed_run_goes_on_and_finds_what_an_unbroken_one_finds(
    tmp_path: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit, "SAVE_AFTER_S", 0.0)
    file = write_plan(tmp_path, checkpoint)
    whole, broken = bench_of(file, tmp_path / "whole"), bench_of(file, tmp_path / "broken")
    keys = whole.keys(whole.plan.runs())
    run = next(run for run in keys if run.setting != VANILLA)
    unbroken = do(run, keys[run], whole, quiet)
    trained: list[int] = []

    def killed(done: int, _total: int, _loss: float | None) -> None:
        trained.append(done)
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        do(run, keys[run], broken, killed)
    assert broken.found(keys[run]) is None
    steps: list[int] = []
    again = do(run, keys[run], broken, lambda done, _total, loss: steps.append(done) if loss is not None else None)
    assert trained == [1, 2, 3]
    assert steps == [4, 5]
    assert again.readings == unbroken.readings
    assert again.losses == unbroken.losses
    assert [path.name for path in (tmp_path / "broken" / "runs").iterdir()] == [f"{keys[run]}.json"]

    def never(_done: int, _total: int, _loss: float | None) -> None:
        raise AssertionError("what is kept was made again")

    kept = do(run, keys[run], broken, never)
    assert kept.run == run
    assert kept.losses == again.losses


def test_another_rate_row_or_prompt_length_is_another_run(tmp_path: Path, checkpoint: Path) -> None:
    file = write_plan(tmp_path, checkpoint)
    bench = bench_of(file, tmp_path / "out")
    runs = bench.plan.runs()
    keys = bench.keys(runs)
    assert len(set(keys.values())) == len(runs) == 2
    assert set(dataclasses.replace(bench, budget=421).keys(runs).values()).isdisjoint(keys.values())
    fewer = dataclasses.replace(bench.rows, train=bench.rows.train[1:])
    assert set(dataclasses.replace(bench, rows=fewer).keys(runs).values()).isdisjoint(keys.values())
    assert by_key(keys[runs[1]], keys) == runs[1]
    with pytest.raises(SettingsError, match="have changed"):
        by_key("0" * 16, keys)


def test_a_probe_costs_little_and_leaves_nothing(tmp_path: Path, checkpoint: Path) -> None:
    bench = bench_of(write_plan(tmp_path, checkpoint), tmp_path / "out")
    found = probe(checkpoint.name, bench)
    assert found.read == 16
    assert found.read_s > 0
    assert not list((tmp_path / "out").glob("runs/*"))


def test_the_command_does_what_is_left_in_children_and_reports(tmp_path: Path, checkpoint: Path) -> None:
    file = write_plan(tmp_path, checkpoint)
    config = tmp_path / "config.toml"
    config.write_text(dump_settings(make_settings(tmp_path, (checkpoint,), checkpoint)), encoding="utf-8")
    arguments = ["sweep", str(file), "--out", str(tmp_path / "out"), "--jobs", "2", "--config", str(config)]
    bench = bench_of(file, tmp_path / "out")
    keys = bench.keys(bench.plan.runs())
    tuned = next(run for run in keys if run.setting != VANILLA)
    do(tuned, keys[tuned], bench, quiet)
    done = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert f"1/1 {checkpoint.name}, vanilla" in done.stderr
    report = tmp_path / "out" / "report"
    told = (report / "report.md").read_text(encoding="utf-8")
    assert told.startswith(r"# A tiny \<sweep\>")
    assert "Trained on 20 rows of 2 conversations, judged by 40 rows of 4 others" in told
    assert "Not done yet" not in told
    assert str(tmp_path) not in told
    assert "| Qwen1.5-4B | LoRA, 2e-5 |  | 59.31 | -3.4 |" in told
    assert (report / "small.png").read_bytes().startswith(b"\x89PNG")
    page = (report / "report.html").read_text(encoding="utf-8")
    assert "A tiny &lt;sweep&gt;" in page
    assert "data:image/png;base64," in page
    points = json.loads((report / "figures.json").read_text(encoding="utf-8"))["points"]
    assert {(p["question"], p["setting"]["method"]) for p in points} == {
        (q.id, method) for q in QUESTIONS for method in ("vanilla", "lora")
    }
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "runs").iterdir()}
    assert len(kept) == 2
    again = CliRunner().invoke(cli, [*arguments, "--dry-run"], catch_exceptions=False)
    assert "0 of 2 runs are left" in again.output
    assert kept == {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "runs").iterdir()}


def test_a_report_of_half_a_sweep_names_what_is_missing(tmp_path: Path, checkpoint: Path) -> None:
    bench = bench_of(write_plan(tmp_path, checkpoint), tmp_path / "out")
    keys = bench.keys(bench.plan.runs())
    vanilla, tuned = keys
    found = {vanilla: do(vanilla, keys[vanilla], bench, quiet)}
    write_report(bench, found, {}, tmp_path / "report", None)
    told = (tmp_path / "report" / "report.md").read_text(encoding="utf-8")
    assert f"Not done yet: 1 of 2 runs ({tuned})" in told
    write_report(bench, found, {tuned: "the loss became nan"}, tmp_path / "report", "warning: <copies>")
    told = (tmp_path / "report" / "report.md").read_text(encoding="utf-8")
    assert f"Failed: {tuned}: the loss became nan" in told
    assert r"warning: \<copies\>" in told


def test_rows_are_drawn_by_whole_conversations_and_the_same_for_a_seed() -> None:
    items: list[Item] = [make_item(n) for n in range(100)]
    taken = drawn(items, 45, 1)
    assert len(taken) == 40
    assert {sum(i.conversation == c for i in taken) for c in {i.conversation for i in taken}} == {10}
    assert taken == drawn(items, 45, 1) != drawn(items, 45, 2)
    assert drawn(items, 0, 1) == items
    with pytest.raises(SettingsError, match="no conversation has as few as 9 rows"):
        drawn(items, 9, 1)


def test_rows_that_are_no_fair_split_are_refused(tmp_path: Path, checkpoint: Path) -> None:
    plan = load_plan(write_plan(tmp_path, checkpoint))
    write_rows(tmp_path / "test.jsonl", range(30, 50), "train")
    whole = plan.model_copy(update={"rows": 0})
    with pytest.raises(InputError, match=r"share 1 conversations, train3 among them.*set-aside"):
        shared_rows(whole, read_rows(whole, QUESTIONS))
    (tmp_path / "test.jsonl").write_text('{"text": "x", "room": "r"}\n', encoding="utf-8")
    with pytest.raises(InputError, match="answers none of the questions is_question, needs_context"):
        read_rows(plan, QUESTIONS)
    with pytest.raises(SettingsError, match=r"config\.toml has no question other; it has is_question, needs_context"):
        read_rows(plan.model_copy(update={"questions": ("other",)}), QUESTIONS)

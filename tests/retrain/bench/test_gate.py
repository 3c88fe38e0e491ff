import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from models.errors import InputError
from models.metrics import precision
from models.settings import GateSettings
from models.toml import dump_settings
from retrain.bench.gate.cases import RISE, Case, Goal, real_cases
from retrain.bench.gate.made import Fault, conversations, made_ladder, made_overlap, spoil
from retrain.bench.gate.others import run_others
from retrain.bench.gate.rates import exact, held, run_made
from retrain.bench.gate.real import fewer, read_family, some, spoilt_ladder
from retrain.bench.gate.swept import read_swept, run_swept
from retrain.bench.gate.tuned import read_untuned, run_tuned, tuned_ladders
from retrain.cli import cli
from retrain.judged import answered, scored
from retrain.scaling.ladder import Ladder
from retrain.sweep.run import Result, keep, open_bench
from tests.retrain.bench.test_accuracy import write_rows
from tests.retrain.conftest import make_checkpoint, make_item, make_settings

GATE = GateSettings()


def accuracies(rows) -> float:
    columns = scored(rows)
    return float(np.mean((columns.positive >= 0.5) == (columns.gold > 0.5)))


def test_made_up_rungs_are_as_good_as_they_should_be() -> None:
    ladder = made_ladder(RISE, Fault(), 20_000, np.random.default_rng(0))
    for rungs, truth in ((ladder.vanilla, RISE.vanilla), (ladder.tuned, RISE.tuned)):
        assert [accuracies(rows) for rows in rungs] == pytest.approx(truth, abs=0.02)
    lengths = np.bincount(conversations(20_000, np.random.default_rng(1)))
    assert lengths.mean() == pytest.approx(20, rel=0.15)


def test_faults_are_what_they_say() -> None:
    rng = np.random.default_rng(0)
    right = np.where(rng.random(1000) < 0.4, 1.0, -1.0)
    small_wrong = rng.random(1000) < 0.3
    flipped = spoil(right, small_wrong, Fault(flipped=0.2), rng)
    assert np.mean(flipped != right) == 0.2
    biased = spoil(right, small_wrong, Fault(biased=0.1), rng)
    assert np.mean(biased != right) == 0.1
    assert small_wrong[biased != right].all()
    assert spoil(right, small_wrong, Fault(), rng).tolist() == right.tolist()


def test_rates_are_counted_on_the_union_and_held_to_goals() -> None:
    cases = [Case(name="clean", truth=RISE, fault=Fault()), Case(name="wild", truth=RISE, fault=Fault(flipped=0.4))]
    clean, wild = run_made(cases, (600,), 3, GATE, 5, 1)
    assert (clean.passed, clean.failed, clean.open) == (1.0, 0.0, 0.0)
    assert wild.passed == 0.0
    assert wild.by_check["label noise"]["failed"] > 0
    assert wild.estimated == pytest.approx(0.4, abs=0.1)
    assert wild.wrong == pytest.approx(0.4)
    goals = (
        Goal(case="clean", outcome="blocked", at_most=True, bound=0.05, labels=600),
        Goal(case="wild", outcome="passed", at_most=False, bound=0.5, labels=2300),
        Goal(case="nothing", outcome="passed", at_most=True, bound=0.5),
    )
    assert [(h.rate, h.met) for h in held([clean, wild], goals)] == [(0.0, True), (0.0, False)]
    assert run_made(cases[:1], (600,), 3, GATE, 5, 1) == [clean]


def test_the_interval_is_clopper_and_pearsons() -> None:
    assert exact(0, 59)[0] == 0.0
    assert exact(0, 59)[1] == pytest.approx(0.0606, abs=1e-4)
    assert exact(59, 59) == pytest.approx((0.9394, 1.0), abs=1e-4)


def test_the_command_prints_rates_and_goals(tmp_path: Path) -> None:
    words = ["bench", "gate", "--runs", "1", "--labels", "60", "--jobs", "1", "--config", "config.toml"]
    (tmp_path / "config.toml").write_text("")
    words[-1] = str(tmp_path / "config.toml")
    ended = CliRunner().invoke(cli, [*words, "--json"], catch_exceptions=False)
    body = json.loads(ended.stdout)
    assert {rate["case"] for rate in body["rates"]} >= {"clean", "20% flips", "10% biased", "flat"}
    assert len(body["goals"]) == 3
    assert body["gate"]["max_label_noise"] == GATE.max_label_noise


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few labels are enough, so that reading takes a second."""
    monkeypatch.setattr("retrain.bench.gate.real.LEAST", 50)


def family(tmp_path: Path, count: int):
    rungs = tuple(make_checkpoint(tmp_path / f"rung{i}", width=width, seed=i) for i, width in enumerate((32, 64, 96)))
    settings = make_settings(tmp_path, rungs, tmp_path / "none.gguf")
    items = [dataclasses.replace(make_item(i), weight=3.0) for i in range(count)]
    return rungs, settings, items


@pytest.mark.usefixtures("small")
def test_wrong_labels_are_put_into_real_rows_and_heads_learn_from_them(tmp_path: Path) -> None:
    rungs, settings, items = family(tmp_path, 80)
    said: list[str] = []
    reads = read_family(items, settings, [str(r) for r in rungs], tmp_path / "work", said.append)
    assert [read.question.id for read in reads] == ["is_question"], "needs_context has labels for every other row only"
    [read] = reads
    assert read.parameters == tuple(sorted(read.parameters))
    rng = np.random.default_rng(0)
    ladder, wrong = spoilt_ladder(read, Fault(), rng)
    assert wrong == 0.0
    assert isinstance(ladder, Ladder)
    assert precision(scored(ladder.tuned[-1])) > 0.7, "the first word tells these questions apart"
    assert set(ladder.vanilla[0].weight) == {1.0}
    spoilt, wrong = spoilt_ladder(read, Fault(flipped=0.2), rng)
    assert wrong == pytest.approx(0.2, abs=0.01)
    assert np.mean(spoilt.tuned[0].gold != ladder.tuned[0].gold) == wrong
    assert np.array_equal(spoilt.vanilla[0].scores, ladder.vanilla[0].scores)
    assert not np.array_equal(spoilt.tuned[0].scores, ladder.tuned[0].scores)
    part = some(read, 40, rng)
    assert len(part.vanilla[0]) == len(part.hidden[0]) == 40
    assert len(set(part.vanilla[0].conversations)) == 4


def test_rungs_that_learned_from_gold_and_rows_that_are_too_few_are_refused(tmp_path: Path) -> None:
    _, settings, items = family(tmp_path, 12)
    with pytest.raises(InputError, match="name starter-base-xs"):
        read_family(items, settings, ["starter-xs"], tmp_path / "work", lambda _said: None)
    rungs = [str(rung) for rung in settings.ladder.rungs]
    with pytest.raises(InputError, match="200 labels"):
        read_family(items, settings, rungs, tmp_path / "work", lambda _said: None)
    with pytest.raises(InputError, match="200 labels"):  # its rows come from elsewhere, so it may judge them
        read_family(items, settings, ["starter-xs"], tmp_path / "work", lambda _said: None, unseen=True)


def test_fewer_rows_are_whole_conversations_in_order() -> None:
    items = [make_item(i) for i in range(100)]
    assert fewer(items, 0, 0) == items
    drawn = fewer(items, 30, 0)
    assert len(drawn) == 30
    assert len({item.conversation for item in drawn}) == 3
    assert [item.burst.id for item in drawn] == sorted(item.burst.id for item in drawn)


@pytest.mark.usefixtures("small")
def test_the_command_reads_the_ladder_of_the_settings_on_rows_it_never_saw(tmp_path: Path) -> None:
    _, settings, _ = family(tmp_path, 10)
    (tmp_path / "config.toml").write_text(dump_settings(settings))
    rows = write_rows(tmp_path / "train.jsonl", range(60), "t")
    words = ["bench", "gate", "--runs", "0", "--ladder", str(rows), "--draws", "1", "--labels", "60"]
    words += ["--work", str(tmp_path / "work"), "--config", str(tmp_path / "config.toml")]
    told = CliRunner().invoke(cli, [*words, "--unseen"], catch_exceptions=False)
    assert told.exit_code == 0
    assert "rung0: read 60 bursts vanilla" in told.stderr, "the rungs of config.toml"
    assert "20% flips" in told.stdout
    assert "clean: blocked in" in told.stdout


def test_wrong_labels_are_put_into_rows_and_lora_learns_from_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retrain.bench.gate.tuned.LEAST", 25)  # needs_context has fewer
    rungs, settings, items = family(tmp_path, 40)
    names, said = [str(rung) for rung in rungs[:2]], list[str]()
    with pytest.raises(InputError, match="name starter-base-xs"):
        read_untuned(items, settings, ["starter-xs"], tmp_path, said.append, epochs=0, batch=0)
    with pytest.raises(InputError, match="25 labels"):
        read_untuned(items[:20], settings, names, tmp_path, said.append, epochs=0, batch=0)
    read = read_untuned(items, settings, names, tmp_path / "work", said.append, epochs=1, batch=0)
    assert (read.course.train.epochs, read.course.train.batch) == (1, settings.train.batch)
    [(clean, none)] = tuned_ladders(read, read.items, Fault(), np.random.default_rng(0))
    assert none == 0.0
    assert clean.tuned[0].gold.tolist() == [0, 1] * 20
    assert set(clean.tuned[0].weight) == {1.0}
    [(biased, share)] = tuned_ladders(read, read.items, Fault(biased=0.1), np.random.default_rng([3, 40, 0]))
    changed = biased.tuned[0].gold != clean.tuned[0].gold
    assert share == np.mean(changed) == pytest.approx(0.1)
    small = answered(clean.tuned[0])[changed] >= 0.5
    assert (small == (biased.tuned[0].gold[changed] == 0)).all(), "only to what the small rung said of right labels"
    assert not np.array_equal(biased.tuned[-1].scores, clean.tuned[-1].scores)
    assert np.array_equal(biased.vanilla[-1].scores, clean.vanilla[-1].scores)
    told = len(said)
    cases = [Case(name="clean", truth=None, fault=Fault()), Case(name="leans", truth=None, fault=Fault(biased=0.1))]
    counted = run_tuned(read, cases, (40, 400), 1, GATE, 3)
    assert [(one.case, one.wrong, one.labels, one.runs) for one in counted] == [
        ("clean", 0.0, 40, 1),
        ("leans", share, 40, 1),
    ]
    assert counted[0].source.startswith("is_question, LoRA")
    assert len(said) == told, "what was trained once is kept"


def write_sweep(tmp_path: Path) -> Path:
    """A sweep of three rungs that has ended for one setting and one of its seeds; larger rungs know more."""
    for i, width in enumerate((32, 64, 96)):
        make_checkpoint(tmp_path / f"rung{i}", width=width, seed=i)
    write_rows(tmp_path / "train.jsonl", range(20), "train")
    write_rows(tmp_path / "test.jsonl", range(100, 160), "test")
    plan = tmp_path / "plan.toml"
    plan.write_text(
        'title = "Three"\ntrain = "train.jsonl"\ntest = "test.jsonl"\nrungs = ["rung0", "rung1", "rung2"]\n'
        'seeds = [0, 1]\n[[experiment]]\nname = "small"\npaper = "ladder"\nmethod = ["vanilla", "lora"]\n'
    )
    (tmp_path / "config.toml").write_text("")
    bench = open_bench(plan, tmp_path / "config.toml", tmp_path / "plan")
    for run, key in bench.keys(bench.plan.runs()).items():
        rung, rng = int(run.rung[-1]), np.random.default_rng(0)
        if run.seed == 1 and rung == 2:
            continue
        readings = {
            q.id: {
                item.burst.id: (rng.normal(rung + 1, 1) * (1 if item.answers[q.id] == "yes" else -1), 0.0, -9.0)
                for item in bench.rows.test
                if q.id in item.answers
            }
            for q in bench.rows.questions
        }
        keep(
            Result(
                run=run,
                parameters=1000 * (rung + 1),
                examples=20,
                train_s=1.0,
                read=60,
                read_s=1.0,
                losses=(),
                readings=readings,
            ),
            bench.kept(key),
        )
    return plan


def test_a_sweeps_ladders_are_tried_with_wrong_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retrain.bench.gate.swept.LEAST", 50)
    plan = write_sweep(tmp_path)
    swept = read_swept(plan, tmp_path / "config.toml", tmp_path / "plan")
    [(setting, seeds)] = swept.rungs.items()
    assert [[rung.name for rung in rungs] for rungs in seeds] == [["rung0", "rung1", "rung2"]], "seed 1 lacks a rung"
    assert {item.weight for item in swept.items} == {1.0}
    cases = ["clean", "20% flips", "10% biased"]
    clean, flipped, biased = run_swept(swept, real_cases(cases), 2, GATE, 1)
    assert clean.source == f"is_question, {setting} (rung0 to rung2)", "needs_context has labels for every other row"
    assert [(one.runs, one.labels) for one in (clean, flipped, biased)] == [(1, 60), (2, 60), (2, 60)]
    assert (clean.wrong, flipped.wrong, biased.wrong) == pytest.approx((0, 0.2, 0.1), abs=0.01)
    assert flipped.estimated > clean.estimated
    words = ["bench", "gate", "--runs", "0", "--sweep", str(plan), "--draws", "1", "--case", "clean"]
    told = CliRunner().invoke(cli, [*words, "--config", str(tmp_path / "config.toml")], catch_exceptions=False)
    assert "is_question, LoRA" in told.stdout
    for kept in (tmp_path / "plan" / "runs").iterdir():
        kept.unlink()
    with pytest.raises(InputError, match="run `quandary sweep`"):
        read_swept(plan, tmp_path / "config.toml", tmp_path / "plan")


def test_two_people_differ_as_often_as_both_err() -> None:
    rows = made_ladder(RISE, Fault(flipped=0.2), 20_000, np.random.default_rng(0)).vanilla[0]
    found = made_overlap(rows, Fault(flipped=0.2), 0.5, np.random.default_rng(1))
    assert len(found.answers) == len(found.conversations) == 10_000
    wrong = 0.2 * 0.95 + 0.8 * 0.05  # the fault's errors and the honest ones, neither of which undoes the other twice
    apart = float(np.mean([a != b for a, b in found.answers]))
    assert apart == pytest.approx(2 * wrong * (1 - wrong), abs=0.02)


def test_agreement_is_counted_beside_the_checks_on_the_ladder() -> None:
    flips = Case(name="40% flips", truth=RISE, fault=Fault(flipped=0.4))
    (alone,) = run_made([flips], [600], 2, GATE, 1, 1)
    (overlapped,) = run_made([flips], [600], 2, GATE, 1, 1, overlap=0.5)
    assert alone.by_check["agreement"] == {"failed": 0.0, "open": 0.0}
    assert overlapped.by_check["agreement"]["failed"] == 1.0
    assert overlapped.by_check["label noise"] == alone.by_check["label noise"]


def test_candidates_are_judged_by_what_is_true_of_them() -> None:
    found = {(one.check, one.case): one for one in run_others(3, GATE, 1, held=(700,))}
    good = found["slices", "as good as the champion"]
    worse = found["slices", "20% worse in one room of 4"]
    assert good.failed == 0.0
    assert worse.failed > 0.0
    assert worse.effect < -0.1 < good.effect
    assert found["sureness", "calibrated on the other half"].failed == 0.0
    assert found["sureness", "10 times as sharp"].effect > GATE.max_overconfidence
    assert found["obedience", "deaf to orders"].passed == 1.0
    assert found["obedience", "orders decide in 30%"].failed == 1.0

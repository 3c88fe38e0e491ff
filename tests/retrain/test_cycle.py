"""The whole nightly flow on three tiny models with random weights: everything real but the size."""

import json
import os
import resource
import shutil
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

import retrain.candidate
import retrain.ladder
from models.calibration import read_calibration
from models.champion import champion_gguf
from models.errors import ExportError, ModelError, TooFewLabels, TrainingError
from models.evidence import Action, Candidate, Outcome, Promotion, Slot, Verdict
from models.ids import CandidateId, RunId
from models.learning_lock import alone
from models.llama import open_decider, sha256_of
from models.selection import Why
from models.settings import Settings
from models.step import Move
from models.store import learning, selection, steps
from models.store.database import open_database
from models.store.promotions import record
from models.toml import dump_settings
from retrain.candidate import export_named
from retrain.cli import cli
from retrain.climb import Limits
from retrain.cycle import cycle, thinned
from retrain.dataset import freeze, read_dataset
from retrain.evidence_file import read_evidence
from retrain.holdout import unseen
from tests.retrain.conftest import IS_QUESTION, NEEDS_CONTEXT, fill_store, make_checkpoint, make_item, make_settings

LIMITS = Limits(items=40, rungs=3, seconds=60)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A family of three sizes, a champion, and a store without labels."""
    folder = tmp_path_factory.mktemp("house")
    rungs = tuple(make_checkpoint(folder / f"rung-{width}", width=width) for width in (32, 64, 96))
    champion = export_named(str(rungs[0]), None, folder / "champion.gguf", "q8_0")
    return make_settings(folder, rungs, champion)


@pytest.fixture
def settings(house: Settings, tmp_path: Path) -> Settings:
    """The family with 90 labelled bursts in a data directory of its own."""
    settings = house.model_copy(update={"data_dir": tmp_path / "var"})
    fill_store(settings, [make_item(i) for i in range(90)])
    return settings


def stored(settings: Settings) -> list:
    with closing(open_database(settings.data_dir)) as db:
        return learning.candidates(db)


def test_labels_become_a_judged_candidate_that_serves(settings: Settings) -> None:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    fewer = {"select": "learnability", "select_share": 0.5}
    settings = settings.model_copy(update={"train": settings.train.model_copy(update=fewer)})
    learned = cycle(settings, limits=LIMITS, quiet=True, now=lambda: at)
    assert learned.candidate.run.startswith("20260301T000000")
    assert learned.verdict.judged_at == at
    [(candidate, verdict)] = stored(settings)
    assert candidate == learned.candidate
    assert verdict == learned.verdict
    assert verdict.outcome in {Outcome.INCONCLUSIVE, Outcome.FAIL}, "90 labels and random weights must not pass"
    assert "110 more are needed" in verdict.checks[0].reason
    checks = {check.name: check for check in verdict.checks}
    assert checks["export"].outcome is Outcome.PASS
    assert checks["quantization"].figures["mean"] < 0.05
    assert checks["cost"].figures["median_ms"] > 0
    assert checks["obedience"].figures["tried"] > 0
    assert checks["slices"].outcome is Outcome.PASS
    assert 0 < checks["sureness is_question"].figures["confidence"] <= 1
    gguf = settings.data_dir / candidate.gguf_path
    assert sha256_of(gguf) == candidate.gguf_sha256
    assert set(read_calibration(gguf, candidate.gguf_sha256).questions) == {q.id for q in settings.questions}
    decider = open_decider(gguf, settings.questions, settings.decide, candidate.gguf_sha256)
    assert len(decider.decide([make_item(3).burst])[0]) == 2
    decider.close()
    assert verdict.picture is not None
    assert (settings.data_dir / verdict.picture).read_bytes().startswith(b"\x89PNG")
    assert read_dataset(settings.data_dir / "datasets" / candidate.dataset).size == learned.dataset.size
    evidence = read_evidence(gguf.parent / "evidence.json", settings.questions)
    assert len(evidence.ladders[0].tuned) == 3
    assert len(evidence.ladders[0].tuned[0]) == 40
    assert evidence.cheap[IS_QUESTION.id].ids == evidence.challenger[IS_QUESTION.id].ids
    assert "cheap challenger is_question" in [check.name for check in verdict.checks]
    assert "how do I do" not in (gguf.parent / "evidence.json").read_text()
    assert champion_gguf(settings)[1] is None, "nothing is promoted without a maintainer"
    assert list((settings.data_dir / "work").iterdir()) == []
    with closing(open_database(settings.data_dir)) as db:
        run = learning.last_run(db)
        chosen = selection.newest(db)
        scores = selection.scores(db, candidate.dataset)
        assert steps.current(db) == learned.step
    assert learned.step is not None
    assert (learned.step.move, learned.step.count) == (Move.LABEL, 110)
    assert run is not None
    assert (run.state, run.dataset) == ("done", candidate.dataset)
    assert chosen is not None
    assert (chosen.method, chosen.dataset, chosen.rung) == ("learnability", candidate.dataset, candidate.base)
    assert (settings.data_dir / str(chosen.picture)).read_bytes().startswith(b"\x89PNG")
    assert "trained on 30 of 60 labels" in run.message
    assert str(chosen.picture) in run.message
    assert sum(score.why is Why.KEPT for score in scores) == 30
    assert len(scores) == 60, "40 bursts, 20 of them with two answers"
    assert all(score.base_loss > 0 and score.ifd > 0 for score in scores)


def test_a_stopped_cycle_goes_on_where_it_was(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    trained: list[Path] = []
    real = retrain.ladder.train_adapter

    def counting(*arguments: object, out: Path, **named: object) -> Path:
        if len(trained) == 3:
            raise KeyboardInterrupt
        trained.append(out)
        return real(*arguments, out=out, **named)

    monkeypatch.setattr(retrain.ladder, "train_adapter", counting)
    with pytest.raises(KeyboardInterrupt):
        cycle(settings, limits=Limits(items=40), quiet=True)
    assert stored(settings) == []
    assert not (settings.data_dir / "candidates").exists()
    with closing(open_database(settings.data_dir)) as db:
        run = learning.last_run(db)
    assert run is not None
    assert run.state == "failed"
    monkeypatch.setattr(
        retrain.ladder, "train_adapter", lambda *a, out, **n: (trained.append(out), real(*a, out=out, **n))[1]
    )
    learned = cycle(settings, limits=Limits(items=40), quiet=True)
    hurt = {setback.rung for ladder in learned.ladders for setback in ladder.setbacks}
    once = 3 * 2 + 1
    assert len(trained) == once + 2 * len(hurt), "two folds of three rungs, of those that fell again, and the candidate"
    assert len(set(trained)) == len(trained), "each trained once"
    assert len(stored(settings)) == 1


def test_a_full_disk_leaves_no_candidate(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    real = retrain.candidate.export_gguf

    def crowded(*arguments: object) -> object:
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, before[1]))  # as a disk that has 40 kB left
        try:
            return real(*arguments)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    monkeypatch.setattr(retrain.candidate, "export_gguf", crowded)
    with pytest.raises(ExportError):
        cycle(settings, limits=Limits(items=40, rungs=1), quiet=True)
    assert stored(settings) == []
    assert not (settings.data_dir / "candidates").exists()


def test_too_few_labels_and_missing_models_are_said(house: Settings, tmp_path: Path) -> None:
    settings = house.model_copy(update={"data_dir": tmp_path / "var"})
    fill_store(settings, [make_item(i) for i in range(10)])
    with pytest.raises(TooFewLabels, match="14 more"):
        cycle(settings, quiet=True)
    fill_store(settings, [make_item(i) for i in range(10, 90)])
    lost = settings.model_copy(update={"ladder": settings.ladder.model_copy(update={"rungs": (str(tmp_path / "x"),)})})
    with pytest.raises(ModelError):
        cycle(lost, quiet=True)
    assert stored(settings) == []


def test_a_champion_that_cannot_be_opened_is_noticed_before_any_training(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retrain.ladder, "load_base", lambda *a, **n: pytest.fail("a rung was loaded"))
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF, but nothing behind it")
    for path in (broken, tmp_path / "none.gguf"):
        decide = settings.decide.model_copy(update={"model": str(path)})
        with pytest.raises(ModelError, match=path.name):
            cycle(settings.model_copy(update={"decide": decide}), quiet=True)


def test_two_cycles_never_run_at_once(settings: Settings) -> None:
    with alone(settings.data_dir), pytest.raises(TrainingError, match="another run learns"):
        cycle(settings, quiet=True)
    with closing(open_database(settings.data_dir)) as db:
        assert learning.last_run(db) is None, "the run that goes on stays the last one"


def test_a_promoted_champion_is_not_judged_on_what_it_was_trained_on(tmp_path: Path) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    items = [make_item(i) for i in range(90)]
    dataset = freeze(items, (IS_QUESTION, NEEDS_CONTEXT), tmp_path, holdout_share=0.3, folds=2, frozen_at=at)
    name = CandidateId("c")
    sha = "0" * 64
    candidate = Candidate(
        id=name,
        run=RunId("r"),
        dataset=dataset.id,
        base="b",
        adapter_path="a",
        adapter_sha256=sha,
        gguf_path="m.gguf",
        gguf_sha256=sha,
        question_versions={},
        created_at=at,
    )
    verdict = Verdict(candidate=name, outcome=Outcome.PASS, checks=(), gate_version="1", judged_at=at)
    act = Promotion(candidate=name, action=Action.APPROVE, by="me", why="", override=False, binding={}, at=at)
    with closing(open_database(tmp_path)) as db:
        learning.put_dataset(db, dataset.id, f"datasets/{dataset.id}", dataset.size, {}, at)
        learning.put_candidate(db, candidate, verdict)
        assert unseen(db, tmp_path, items) == tuple(items), "the model of config.toml was trained elsewhere"
        record(db, act, Slot(candidate=name, gguf_path="m.gguf", gguf_sha256=sha, since=at))
        kept = {item.burst.id for item in unseen(db, tmp_path, items)}
        assert kept == {item.burst.id for item in (*dataset.calibration, *dataset.gate)}
        shutil.rmtree(tmp_path / "datasets")
        assert unseen(db, tmp_path, items) == tuple(items)


def test_thinning_keeps_to_the_limit_and_spreads() -> None:
    items = [make_item(i) for i in range(100)]
    assert thinned(items, 0) == tuple(items)
    few = thinned(items, 30)
    assert len(few) == 30
    assert few[-1].burst.id > "b00090"


def test_the_command_line_runs_judges_again_and_ends_as_it_should(settings: Settings, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(dump_settings(settings))
    common = ["--config", str(config), "--json"]
    before = os.nice(0)
    made = CliRunner().invoke(cli, ["cycle", *common, "--items", "40", "--rungs", "1"], catch_exceptions=False)
    assert os.nice(0) == before, "the tests after this one run in this process, too"
    told = json.loads(made.stdout)
    assert made.exit_code == 0
    assert told["outcome"] in {"inconclusive", "fail"}
    again = json.loads(CliRunner().invoke(cli, ["gate", *common], catch_exceptions=False).stdout)
    assert again["candidate"] == told["candidate"]
    assert again["checks"] == told["checks"]
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(json.dumps({"text": f"say {i}?", "is_question": "yes"}) + "\n" for i in range(40)))
    model = str(settings.data_dir / told["gguf"])
    fitted = CliRunner().invoke(cli, ["calibrate", model, str(rows), *common], catch_exceptions=False)
    assert json.loads(fitted.stdout)["is_question"]["labels"] == 40


def test_errors_end_with_one_sentence_and_their_status(tmp_path: Path) -> None:
    missing = str(tmp_path / "none.toml")
    ended = subprocess.run(
        [sys.executable, "-m", "retrain", "gate", "--config", missing],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stderr.startswith("retrain: there is no settings file")
    assert ended.stderr.count("\n") == 1

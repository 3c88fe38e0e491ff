import dataclasses
import json
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from models.errors import InputError, StoreError, TrainingError
from models.evidence import Candidate, Outcome, Terms, Verdict
from models.ids import CandidateId, RunId
from models.settings import GateSettings, Settings
from models.store import learning
from models.store.database import open_database
from models.toml import dump_settings
from retrain.cli import cli
from retrain.evidence_file import FILE, read_evidence, write_evidence
from retrain.gate import GATE_VERSION
from retrain.verdict import reach, reach_again
from tests.retrain.conftest import make_settings
from tests.retrain.made_evidence import evidence

AT = datetime(2026, 1, 1, tzinfo=UTC)
NAME = CandidateId("20260101-c")


def candidate(settings: Settings) -> Candidate:
    return Candidate(
        id=NAME,
        run=RunId("r"),
        dataset="d" * 64,
        base="b",
        adapter_path="a",
        adapter_sha256="0" * 64,
        gguf_path=f"candidates/{NAME}/model.gguf",
        gguf_sha256="0" * 64,
        question_versions={q.id: q.version for q in settings.questions},
        created_at=AT,
    )


@pytest.fixture
def stored(tmp_path: Path) -> tuple[Settings, Verdict]:
    """A store with one candidate, its evidence, and the verdict reached from it."""
    settings = make_settings(tmp_path, (tmp_path / "rung",), tmp_path / "champion.gguf")
    file = settings.data_dir / "candidates" / NAME / FILE
    file.parent.mkdir(parents=True)
    write_evidence(evidence(np.random.default_rng(0)), settings.questions, file)
    found, _ = reach(file, settings.questions, settings.gate, 7, candidate=NAME, judged_at=AT, picture="x.png")
    keep(settings, found)
    return settings, found


def keep(settings: Settings, verdict: Verdict) -> None:
    with closing(open_database(settings.data_dir)) as db:
        learning.put_candidate(db, candidate(settings), verdict)


def again(settings: Settings, verdict: Verdict, **changed: object) -> tuple[bool | None, str]:
    gate = settings.gate.model_copy(update=changed)
    found = reach_again(verdict, candidate(settings), settings.data_dir, settings.questions, gate, 7)
    return found.same, found.why or "; ".join(found.differences)


def test_a_stored_verdict_is_reached_again_under_its_own_settings(stored: tuple[Settings, Verdict]) -> None:
    settings, verdict = stored
    with closing(open_database(settings.data_dir)) as db:
        ((_, kept),) = learning.candidates(db)
    assert kept == verdict
    assert kept.terms is not None
    assert GateSettings.model_validate(kept.terms.gate) == settings.gate
    assert again(settings, kept) == (True, "")
    assert again(settings, kept, margin=0.5) == (True, ""), "the settings of today play no part"


def test_what_was_changed_since_is_named(stored: tuple[Settings, Verdict]) -> None:
    settings, verdict = stored
    first, *rest = verdict.checks
    forged = dataclasses.replace(first, outcome=Outcome.FAIL, figures={**first.figures, "labels": 1.0})
    same, told = again(settings, dataclasses.replace(verdict, checks=(forged, *rest), outcome=Outcome.FAIL))
    assert same is False
    assert told.startswith("the outcome is pass and was fail; labels: pass, and was fail; ")
    assert told.endswith("labels: other figures: labels 400 (was 1)")
    file = settings.data_dir / "candidates" / NAME / FILE
    write_evidence(evidence(np.random.default_rng(0), labels=401), settings.questions, file)
    same, told = again(settings, verdict)
    assert same is False
    assert told.startswith("evidence.json was changed since the verdict was reached; labels: other figures: labels 401")


def test_what_cannot_be_judged_as_it_was_says_so(stored: tuple[Settings, Verdict]) -> None:
    settings, verdict = stored
    old = dataclasses.replace(verdict, gate_version="1+00000000", terms=None)
    same, told = again(settings, old)
    assert same is None
    assert told.startswith(f"it was reached by version 1 of the gate and this is version {GATE_VERSION}")
    assert f"`quandary gate {NAME}` judges its evidence by this one" in told
    bare = dataclasses.replace(verdict, terms=None)
    assert again(settings, bare) == (True, ""), "the version's hash tells that the settings are the same"
    assert again(settings, bare, margin=0.5)[1].startswith("it kept no settings, and those of [gate] were others")
    strange = Terms(gate={"courage": 1.0}, seed=7, evidence_sha256="")
    assert "not those of this release" in again(settings, dataclasses.replace(verdict, terms=strange))[1]
    forged = Terms(gate={"margin": 0.5}, seed=7, evidence_sha256="")
    assert "the store was changed" in again(settings, dataclasses.replace(verdict, terms=forged))[1]
    (settings.data_dir / "candidates" / NAME / FILE).unlink()
    same, told = again(settings, verdict)
    assert same is None
    assert "is not readable" in told


@pytest.fixture
def asked(stored: tuple[Settings, Verdict], tmp_path: Path) -> Callable[..., Result]:
    config = tmp_path / "config.toml"
    config.write_text(dump_settings(stored[0]))
    return lambda *words: CliRunner().invoke(cli, ["verdict", *words, "--config", str(config)])


def test_the_command_shows_a_verdict_and_whether_it_holds(
    stored: tuple[Settings, Verdict], asked: Callable[..., Result]
) -> None:
    settings, verdict = stored
    (row,) = json.loads(asked("list", "--json").stdout)
    assert (row["candidate"], row["outcome"], row["checks"]["fail"]) == (NAME, "pass", 0)
    assert row["checks"]["pass"] == len(verdict.checks)
    assert NAME in asked("list").stdout
    told = json.loads(asked("show", "2026", "--json").stdout)
    assert told["same"] is True
    assert told["again"] == told["stored"]
    assert told["terms"]["seed"] == 7
    assert "the same in all" in asked("show", NAME).stdout
    keep(settings, dataclasses.replace(verdict, checks=verdict.checks[1:]))
    ended = asked("show", NAME)
    assert isinstance(ended.exception, TrainingError)
    assert "labels: the check is new" in ended.stdout
    assert "there are: 20260101-c" in str(asked("show", "nobody").exception)


def test_the_command_ends_with_an_error_where_the_evidence_is_lost_and_not_where_words_changed(
    stored: tuple[Settings, Verdict], asked: Callable[..., Result], tmp_path: Path
) -> None:
    file = stored[0].data_dir / "candidates" / NAME / FILE
    whole = file.read_text()
    file.write_text(whole[:-40])
    ended = asked("show", NAME, "--json")
    assert "cannot be reached again" in str(ended.exception)
    assert "it is damaged" in str(ended.exception)
    assert json.loads(ended.stdout)["same"] is None
    file.write_text(whole)
    config = tmp_path / "config.toml"
    config.write_text(config.read_text().replace('text = "', 'text = "Now then: ', 1))
    ended = asked("show", NAME)
    assert ended.exit_code == 0, ended.exception
    assert "whose wording has changed since" in ended.stdout


@pytest.mark.parametrize(
    ("where", "change"),
    [
        (("ladders", 0, "vanilla", 1, "ids"), lambda column: column[1:]),
        (("ladders", 0, "vanilla", 1, "gold"), lambda column: [9, *column[1:]]),
        (("ladders", 0, "vanilla", 1, "scores"), lambda column: [[float("nan")] * len(column[0]), *column[1:]]),
        (("ladders", 0, "tuned", 1, "ids"), lambda column: column[::-1]),
        (("ladders", 0, "tuned"), lambda rungs: rungs[1:]),
        (("ladders", 0, "parameters"), lambda sizes: sizes[1:]),
        (("challenger",), lambda _: {}),
        (("cheap", "is_question", "ids"), lambda column: column[::-1]),
        (("champion",), lambda _: []),
        (("slices",), lambda _: [1]),
        (("labels",), lambda _: "many"),
    ],
    ids=lambda one: ".".join(map(str, one)) if isinstance(one, tuple) else "",
)
def test_damaged_evidence_is_told_before_anything_is_judged(
    stored: tuple[Settings, Verdict], where: tuple[str | int, ...], change: Callable[[object], object]
) -> None:
    settings, _ = stored
    file = settings.data_dir / "candidates" / NAME / FILE
    body = json.loads(file.read_text())
    *way, last = where
    place = body
    for step in way:
        place = place[step]
    place[last] = change(place[last])
    file.write_text(json.dumps(body))
    with pytest.raises(InputError, match="it is damaged"):
        read_evidence(file, settings.questions)


def test_a_verdict_that_was_damaged_in_the_store_is_told(
    stored: tuple[Settings, Verdict], asked: Callable[..., Result]
) -> None:
    with closing(open_database(stored[0].data_dir)) as db:
        db.conn.execute("UPDATE verdicts SET checks = '[{]'")
        db.conn.commit()
    ended = asked("list")
    assert isinstance(ended.exception, StoreError)
    assert f"the verdict on candidate {NAME} in the database cannot be understood" in str(ended.exception)

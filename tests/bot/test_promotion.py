from dataclasses import replace

import pytest
from bot_fakes import candidate_of

from bot.promotion import CONFIGURED, approve, reject, rollback
from models.calibration import sidecar
from models.champion import champion_gguf
from models.errors import PromotionError
from models.evidence import EVIDENCE, Action, Outcome, Terms
from models.llama import sha256_of
from models.store import learning, promotions
from models.store.database import open_database


@pytest.fixture
def settings(house):
    return house[1]


@pytest.fixture
def db(settings):
    opened = open_database(settings.data_dir)
    yield opened
    opened.close()


def judged(db, settings, name, gguf, outcome=Outcome.PASS):
    candidate, verdict = candidate_of(settings, name, gguf, outcome)
    learning.put_candidate(db, candidate, verdict)
    return candidate


def test_approving_binds_everything_and_takes_the_slot(db, settings, ggufs):
    candidate = judged(db, settings, "c1", ggufs[1])
    done = approve(db, settings, "c1", by="mo")
    assert promotions.history(db) == [done]
    assert (done.by, done.override) == ("mo", False)
    assert done.binding["gguf_sha256"] == candidate.gguf_sha256
    assert done.binding["dataset"] == "d0"
    assert done.binding["calibration_sha256"] == sha256_of(sidecar(settings.data_dir / candidate.gguf_path))
    assert f"question:{settings.questions[0].id}" in done.binding
    assert promotions.current_slot(db).candidate == "c1"
    assert champion_gguf(settings) == (settings.data_dir / candidate.gguf_path, candidate.gguf_sha256)
    with pytest.raises(PromotionError, match="serves already"):
        approve(db, settings, "c1", by="mo")


@pytest.mark.parametrize("outcome", [Outcome.FAIL, Outcome.INCONCLUSIVE])
def test_without_a_pass_it_takes_override_and_a_reason(db, settings, ggufs, outcome):
    judged(db, settings, "c1", ggufs[1], outcome)
    for options in ({}, {"override": True}, {"override": True, "why": "  "}, {"why": "because"}):
        with pytest.raises(PromotionError, match="--override and --why"):
            approve(db, settings, "c1", by="mo", **options)
    assert promotions.current_slot(db) is None
    done = approve(db, settings, "c1", by="mo", override=True, why="we look at it live")
    assert (done.override, done.why, done.binding["verdict"]) == (True, "we look at it live", outcome.value)


@pytest.mark.parametrize("file", ["model.gguf", "adapter/adapter_model.safetensors"])
@pytest.mark.parametrize("missing", [True, False])
def test_files_must_be_those_that_were_judged(db, settings, ggufs, file, missing):
    judged(db, settings, "c1", ggufs[1])
    path = settings.data_dir / "candidates" / "c1" / file
    path.unlink() if missing else path.write_bytes(b"other")
    with pytest.raises(PromotionError, match="missing" if missing else "not the file that was judged"):
        approve(db, settings, "c1", by="mo", override=True, why="please")
    assert promotions.history(db) == []


@pytest.mark.parametrize("missing", [True, False])
def test_the_evidence_must_be_what_the_verdict_was_reached_from(db, settings, ggufs, missing):
    candidate, verdict = candidate_of(settings, "c1", ggufs[1], Outcome.PASS)
    path = (settings.data_dir / candidate.gguf_path).with_name(EVIDENCE)
    path.write_text("{}")
    terms = Terms(gate={}, seed=0, evidence_sha256=sha256_of(path))
    learning.put_candidate(db, candidate, replace(verdict, terms=terms))
    path.unlink() if missing else path.write_text("[]")
    with pytest.raises(PromotionError, match="missing" if missing else "not what candidate c1 was judged from"):
        approve(db, settings, "c1", by="mo", override=True, why="please")
    path.write_text("{}")
    assert approve(db, settings, "c1", by="mo").binding["evidence_sha256"] == terms.evidence_sha256


def test_a_model_without_its_own_calibration_is_not_approved(db, settings, ggufs):
    candidate = judged(db, settings, "c1", ggufs[1])
    beside = sidecar(settings.data_dir / candidate.gguf_path)
    beside.write_text(beside.read_text().replace(candidate.gguf_sha256, "0" * 64))
    with pytest.raises(PromotionError, match="belongs to another model"):
        approve(db, settings, "c1", by="mo")
    beside.unlink()
    with pytest.raises(PromotionError, match="the calibration of candidate c1 is missing"):
        approve(db, settings, "c1", by="mo", override=True, why="please")
    assert promotions.history(db) == []


def test_other_wordings_and_unknown_candidates_are_refused(db, settings, ggufs):
    judged(db, settings, "c1", ggufs[1])
    first, *rest = settings.question
    other = settings.model_copy(update={"question": (first.model_copy(update={"text": "Another?"}), *rest)})
    with pytest.raises(PromotionError, match="other wordings of is_question"):
        approve(db, other, "c1", by="mo")
    with pytest.raises(PromotionError, match="candidates: c1"):
        approve(db, settings, "c2", by="mo")


def test_rejecting(db, settings, ggufs):
    judged(db, settings, "c1", ggufs[1])
    with pytest.raises(PromotionError, match="say why"):
        reject(db, "c1", by="mo", why=" ")
    reject(db, "c1", by="mo", why="slow")
    with pytest.raises(PromotionError, match=r"rejected by mo \(slow\)"):
        approve(db, settings, "c1", by="al")
    approve(db, settings, "c1", by="al", override=True, why="not so slow")
    with pytest.raises(PromotionError, match="rollback"):
        reject(db, "c1", by="mo", why="slow")


def test_rolling_back_goes_down_the_approvals_to_config(db, settings, ggufs):
    for name in ("a", "b", "c"):
        judged(db, settings, name, ggufs[1])
    with pytest.raises(PromotionError, match="nothing to roll back"):
        rollback(db, settings, by="mo")
    approve(db, settings, "a", by="mo")
    approve(db, settings, "b", by="mo")
    rollback(db, settings, by="mo")
    assert promotions.current_slot(db).candidate == "a"
    approve(db, settings, "c", by="mo")
    for expected in ("a", None):
        done = rollback(db, settings, by="mo", why="worse")
        assert promotions.current_slot(db).candidate == expected
        assert done.binding["to"] == (expected or CONFIGURED)
    assert champion_gguf(settings) == (ggufs[0], None)
    with pytest.raises(PromotionError, match="nothing to roll back"):
        rollback(db, settings, by="mo")
    approve(db, settings, "b", by="mo")
    assert [p.action for p in promotions.history(db)].count(Action.ROLLBACK) == 3


def test_rolling_back_to_a_changed_file_is_refused(db, settings, ggufs):
    for name in ("a", "b"):
        judged(db, settings, name, ggufs[1])
        approve(db, settings, name, by="mo")
    (settings.data_dir / "candidates" / "a" / "model.gguf").write_bytes(b"other")
    with pytest.raises(PromotionError, match="has changed"):
        rollback(db, settings, by="mo")
    assert promotions.current_slot(db).candidate == "b"

import json
from dataclasses import replace
from pathlib import Path

import pytest

from models.calibration import (
    Calibration,
    QuestionCalibration,
    read_calibration,
    sidecar,
    sure_option,
    write_calibration,
)
from models.errors import ModelError


def fitted_for(question, **more) -> QuestionCalibration:
    fields = {
        "reply_at": 0.9,
        "silence_at": 0.1,
        "reply_risk": question.reply_risk,
        "silence_risk": question.silence_risk,
        "confidence": question.confidence,
    }
    return QuestionCalibration(version=question.version, **{**fields, **more})


def test_a_calibration_comes_back_as_it_was_written(tmp_path: Path, questions) -> None:
    gguf = tmp_path / "m.gguf"
    fitted = fitted_for(questions[0], temperature=1.7, labels=100)
    written = Calibration(gguf_sha256="ab", questions={questions[0].id: fitted})
    write_calibration(gguf, written)
    assert read_calibration(gguf, "ab") == written
    assert [p.name for p in tmp_path.iterdir()] == ["m.calibration.json"]


def test_it_binds_model_and_wording(tmp_path: Path, questions) -> None:
    gguf = tmp_path / "m.gguf"
    stale = QuestionCalibration(version="another wording", reply_at=0.1)
    write_calibration(gguf, Calibration(gguf_sha256="ab", questions={questions[0].id: stale}))
    assert read_calibration(gguf, "ab").of(questions[0]).reply_at is None
    with pytest.raises(ModelError, match="another model"):
        read_calibration(gguf, "cd")
    sidecar(gguf).write_text("{")
    with pytest.raises(ModelError, match="not readable"):
        read_calibration(gguf, "ab")


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ({}, (0.9, 0.1)),
        ({"reply_risk": 0.2, "silence_risk": 0.2, "confidence": 0.9}, (0.9, 0.1)),
        ({"reply_risk": 0.01}, (None, 0.1)),
        ({"silence_risk": 0.01}, (0.9, None)),
        ({"confidence": 0.99}, (None, None)),
    ],
)
def test_a_tightened_target_drops_the_thresholds_fitted_for_another(questions, asked, kept) -> None:
    question = questions[0]
    calibration = Calibration(gguf_sha256="ab", questions={question.id: fitted_for(question, temperature=2.0)})
    found = calibration.of(replace(question, **asked))
    assert (found.reply_at, found.silence_at, found.temperature) == (*kept, 2.0)


def test_an_old_file_is_read_and_its_thresholds_vouch_for_nothing(tmp_path: Path, questions) -> None:
    gguf = tmp_path / "m.gguf"
    old = {"version": questions[0].version, "temperature": 2.0, "reply_at": 0.9, "silence_at": 0.1, "labels": 9}
    sidecar(gguf).write_text(json.dumps({"gguf_sha256": "ab", "questions": {questions[0].id: old}}))
    found = read_calibration(gguf, "ab").of(questions[0])
    assert (found.temperature, found.reply_at, found.silence_at) == (2.0, None, None)


def test_without_thresholds_nothing_is_sure(questions) -> None:
    question = questions[0]
    probabilities = {"yes": 0.99, "no": 0.01, "unsure": 0.0}
    assert sure_option(question, probabilities, QuestionCalibration(version="v")) is None
    both = QuestionCalibration(version="v", reply_at=0.9, silence_at=0.1)
    assert sure_option(question, probabilities, both) == "yes"
    assert sure_option(question, {"yes": 0.05, "no": 0.9, "unsure": 0.05}, both) == "no"
    assert sure_option(question, {"yes": 0.5, "no": 0.5, "unsure": 0.0}, both) is None

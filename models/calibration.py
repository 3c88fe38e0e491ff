"""What makes a model's letters mean something: temperature and thresholds, in a file beside the GGUF.

The file ``<model>.calibration.json`` binds itself to the model by hash and to the questions by version; a question
whose wording changed since has no calibration, so that nothing is acted on until it is fitted anew. The same holds of a
threshold that was fitted for a looser risk target, or at a lower confidence, than config.toml asks for by now.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from models.errors import ExportError, ModelError
from models.ids import OptionId, QuestionId
from models.question import Question
from models.replacement import replacing
from models.scoring import positive_probability


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionCalibration:
    """How one question's scores are read.

    ``reply_at``: act as positive from this positive probability upwards; ``silence_at``: act as negative from this one
    downwards; None where no threshold keeps the risk target. ``labels`` and ``needed`` say from how many labels the
    thresholds were fitted and how many more a side without one needs at the least. ``reply_risk``, ``silence_risk`` and
    ``confidence`` are what the thresholds were fitted for; None (older files) vouches for nothing. ``reply_shown`` and
    ``silence_shown`` say how many of the labels lie on the acted side of a threshold, ``reply_errors`` and
    ``silence_errors`` how many of them are errors: that is what the bound was computed from (0 in older files).
    ``audit`` tells whether they are an audit sample of this group, and not rows of some file.
    """

    version: str
    temperature: float = 1.0
    reply_at: float | None = None
    silence_at: float | None = None
    labels: int = 0
    reply_needed: int = 0
    silence_needed: int = 0
    reply_risk: float | None = None
    silence_risk: float | None = None
    confidence: float | None = None
    reply_shown: int = 0
    reply_errors: int = 0
    silence_shown: int = 0
    silence_errors: int = 0
    audit: bool = False

    def within(self, question: Question) -> "QuestionCalibration":
        """Itself without the thresholds that were fitted for less than the question asks for."""
        sound = self.confidence is not None and self.confidence >= question.confidence
        reply = sound and self.reply_risk is not None and self.reply_risk <= question.reply_risk
        silence = sound and self.silence_risk is not None and self.silence_risk <= question.silence_risk
        return replace(self, reply_at=self.reply_at if reply else None, silence_at=self.silence_at if silence else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """The calibrations of all questions for one model file."""

    gguf_sha256: str
    questions: Mapping[QuestionId, QuestionCalibration]

    def of(self, question: Question) -> QuestionCalibration:
        """The calibration of a question; a neutral one (temperature 1, nothing acted on) where there is none.

        Thresholds that do not keep the question's present risk targets are left out.
        """
        found = self.questions.get(question.id)
        if found is None or found.version != question.version:
            return QuestionCalibration(version=question.version)
        return found.within(question)


def sure_option(
    question: Question, probabilities: Mapping[OptionId, float], calibration: QuestionCalibration
) -> OptionId | None:
    """The option that may be acted on, or None where neither threshold is reached."""
    score = positive_probability(question, probabilities)
    if calibration.reply_at is not None and score >= calibration.reply_at:
        return question.positive
    if calibration.silence_at is not None and score <= calibration.silence_at:
        return max(question.negatives, key=lambda option: probabilities[option])
    return None


def sidecar(gguf: Path) -> Path:
    """Where a model's calibration stands."""
    return gguf.with_suffix(".calibration.json")


def write_calibration(gguf: Path, calibration: Calibration) -> Path:
    """Write a calibration beside its model, whole or not at all; raises ExportError."""
    path = sidecar(gguf)
    body = {
        "gguf_sha256": calibration.gguf_sha256,
        "questions": {q: asdict(c) for q, c in calibration.questions.items()},
    }
    try:
        with replacing(path) as aside:
            aside.write_text(json.dumps(body, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise ExportError(f"could not write {path}: {error}; nothing was changed") from error
    return path


def read_calibration(gguf: Path, gguf_sha256: str) -> Calibration:
    """Read the calibration beside a model; a neutral one where there is none.

    Raises ModelError where the file is malformed or belongs to another model.
    """
    path = sidecar(gguf)
    if not path.exists():
        return Calibration(gguf_sha256=gguf_sha256, questions={})
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        questions = {QuestionId(q): QuestionCalibration(**c) for q, c in body["questions"].items()}
        bound = str(body["gguf_sha256"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"the calibration {path} is not readable: {error}; fit it anew or remove it") from error
    if bound != gguf_sha256:
        raise ModelError(f"the calibration {path} belongs to another model file; fit it anew or remove it")
    return Calibration(gguf_sha256=gguf_sha256, questions=questions)

"""``quandary status``: where everything stands."""

import math
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from models.calibration import QuestionCalibration, read_calibration
from models.champion import champion_gguf
from models.errors import ModelError
from models.ids import QuestionId
from models.llama import sha256_of
from models.question import Question, versions
from models.settings import Settings
from models.store import bursts, decisions, feedback, labels, learning, pauses, promotions, replies, requests
from models.store.database import Database

DELAYS_OF = 1000
"""Bursts from which the delay is told."""


def status(db: Database, settings: Settings) -> dict[str, Any]:
    """Gather counts, champion, thresholds and the last training; the model's own troubles are told, not raised."""
    run = learning.last_run(db)
    serving = promotions.current_slot(db)
    champion, thresholds = _champion(settings)
    return {
        "bursts": bursts.count(db),
        "routes": decisions.count_routes(db),
        "replies": replies.count(db),
        "feedback": feedback.count(db),
        "paused": pauses.paused(db, datetime.now(UTC)),
        "requests": requests.count(db),
        "closed_to_decided": asdict(decisions.delays(db, DELAYS_OF)),
        "labels": labels.count(db, versions(settings.questions)),
        "champion": {**champion, "candidate": serving.candidate if serving is not None else None},
        "thresholds": thresholds,
        "candidates": len(learning.candidates(db)),
        "last_run": None
        if run is None
        else {
            "id": run.id,
            "state": run.state,
            "step": run.step,
            "steps": run.steps,
            "message": run.message,
            "started_at": run.started_at.isoformat(),
        },
    }


def least_labels(risk: float, confidence: float) -> int:
    """How many acted-on audit labels without a single error show, at a confidence, that the error rate is below a risk.

    (1 - risk)^n <= 1 - confidence: 59 for 5 % at 95 %. With errors it takes more.
    """
    return math.ceil(math.log(1 - confidence) / math.log(1 - risk))


def _champion(settings: Settings) -> tuple[dict[str, Any], dict[QuestionId, dict[str, Any]]]:
    try:
        path, _ = champion_gguf(settings)
        digest = sha256_of(path)
        calibration = read_calibration(path, digest)
    except ModelError as error:
        return {"model": None, "revision": None, "error": str(error)}, {}
    thresholds = {question.id: _thresholds(question, calibration.of(question)) for question in settings.questions}
    return {"model": path.name, "revision": digest[:12]}, thresholds


def _thresholds(question: Question, fitted: QuestionCalibration) -> dict[str, Any]:
    """One question's sides: the threshold, or how many more labels it takes at the least."""
    figures = asdict(fitted)
    for side, risk in (("reply", question.reply_risk), ("silence", question.silence_risk)):
        if figures[f"{side}_at"] is None and figures[f"{side}_needed"] == 0:  # not fitted, or fitted for less
            figures[f"{side}_needed"] = least_labels(risk, question.confidence)
    return figures

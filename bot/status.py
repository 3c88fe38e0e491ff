"""``quandary status``: where everything stands."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from bot.asking import standing
from bot.guarantee import guarantees
from labeling.outbox import REFUSALS_MAX
from models.calibration import QuestionCalibration, read_calibration
from models.champion import champion_gguf
from models.consent import Agreed, Mode, Modes
from models.errors import ModelError
from models.ids import QuestionId, RoomId
from models.llama import sha256_of
from models.question import Question, versions
from models.settings import Settings
from models.settings.wordings import read_adopted
from models.store import (
    backlog,
    bursts,
    consent,
    decisions,
    erasures,
    feedback,
    labels,
    learning,
    pauses,
    promotions,
    replies,
    requests,
    steps,
)
from models.store.database import Database
from models.wording import reworded

DELAYS_OF = 1000
"""Bursts from which the delay is told."""
_ROOMS_SHOWN = 3


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
        "rooms": _rooms(db, settings),
        "requests": requests.count(db),
        "outbox": _outbox(db),
        "asking": standing(db, settings, datetime.now(UTC)),
        "closed_to_decided": asdict(decisions.delays(db, DELAYS_OF)),
        "labels": labels.count(db, versions(settings.questions)),
        "champion": {**champion, "candidate": serving.candidate if serving is not None else None},
        "thresholds": thresholds,
        "candidates": len(learning.candidates(db)),
        "next": _next(db),
        "wordings": _wordings(settings),
        "stale": {candidate: list(erased) for candidate, erased in erasures.stale_candidates(db).items()},
        "erasures": {
            "done": len(erasures.every(db)) - len(erasures.unfinished(db)),
            "under way": len(erasures.unfinished(db)),
        },
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


def _next(db: Database) -> dict[str, Any] | None:
    """What the gate proposes where it did not let the newest candidate pass."""
    step = steps.current(db)
    return None if step is None else {**asdict(step), "told": step.told}


def _wordings(settings: Settings) -> dict[QuestionId, dict[str, Any]]:
    """Wordings that maintainers adopted over config.toml's, and whether they hold still."""
    now = versions(settings.questions)
    found = {}
    for name, one in read_adopted(settings.data_dir).items():
        asked = next((q for q in settings.questions if q.id == name), None)
        holds = asked is not None and reworded(asked, one.wording).version == now[name]
        found[name] = {"text": one.wording.text, "by": one.by, "at": one.at.isoformat(), "holds": holds}
    return found


def _outbox(db: Database) -> dict[str, Any]:
    """What waits for Argilla, and since when."""
    found = backlog.count(db, REFUSALS_MAX)
    return {
        "to_send": found.to_send,
        "since": None if found.since is None else found.since.isoformat(),
        "attempts": found.attempts,
        "next_attempt_at": None if found.next_attempt_at is None else found.next_attempt_at.isoformat(),
        "to_take_back": found.to_take_back,
        "given_up": found.given_up,
    }


def least_labels(risk: float, confidence: float) -> int:
    """How many acted-on audit labels without a single error show, at a confidence, that the error rate is below a risk.

    (1 - risk)^n <= 1 - confidence: 59 for 5 % at 95 %. With errors it takes more.
    """
    return math.ceil(math.log(1 - confidence) / math.log(1 - risk))


def _rooms(db: Database, settings: Settings) -> dict[str, Any]:
    """Rooms heard so far by mode, and what about their modes is in the way of asking or training."""
    modes = Modes(settings.rooms())
    found = {(room, platform): modes.of(room, platform) for room, platform in consent.rooms_seen(db)}
    held: list[str] = []
    quiet = [room for (room, _), agreed in found.items() if not agreed.mode.allows(Mode.LABEL)]
    if quiet:
        held.append(
            f'nothing is asked about {_some(quiet)}: the mode there is {_modes(found, quiet)}; mode = "label" or '
            '"train" under [[room]] in config.toml lets annotators read'
        )
    elif not found:
        held.append(
            "no room has been heard yet; rooms that no [[room]] in config.toml fits only listen: nothing is asked there"
        )
    held += [
        f"nothing is trained on {_some([room for (room, _), agreed in found.items() if agreed.lowered == why])}: {why}"
        for why in sorted({agreed.lowered for agreed in found.values() if agreed.lowered})
    ]
    counts = Counter(agreed.mode.value for agreed in found.values())
    return {"modes": dict(counts), "held": held}


def _modes(found: Mapping[tuple[RoomId, str], Agreed], rooms: Sequence[RoomId]) -> str:
    return " or ".join(sorted({agreed.mode.value for (room, _), agreed in found.items() if room in rooms}))


def _some(rooms: Sequence[RoomId]) -> str:
    shown = ", ".join(rooms[:_ROOMS_SHOWN])
    return shown if len(rooms) <= _ROOMS_SHOWN else f"{shown} and {len(rooms) - _ROOMS_SHOWN} other rooms"


def _champion(settings: Settings) -> tuple[dict[str, Any], dict[QuestionId, dict[str, Any]]]:
    try:
        path, _ = champion_gguf(settings)
        digest = sha256_of(path)
        calibration = read_calibration(path, digest)
    except ModelError as error:
        return {"model": None, "revision": None, "error": str(error)}, {}
    thresholds = {
        question.id: _thresholds(question, calibration.of(question), first=place == 0)
        for place, question in enumerate(settings.questions)
    }
    return {"model": path.name, "revision": digest[:12]}, thresholds


def _thresholds(question: Question, fitted: QuestionCalibration, *, first: bool) -> dict[str, Any]:
    """One question's sides: the threshold, or how many more labels it takes at the least; and both in words."""
    figures = asdict(fitted)
    for side, risk in (("reply", question.reply_risk), ("silence", question.silence_risk)):
        if figures[f"{side}_at"] is None and figures[f"{side}_needed"] == 0:  # not fitted, or fitted for less
            figures[f"{side}_needed"] = least_labels(risk, question.confidence)
    figures["guaranteed"] = guarantees(question, figures, first=first)
    return figures

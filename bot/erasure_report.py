"""``quandary erasure report``: what an erasure touched, and that nothing of it is left, followed by ids alone."""

import json
import re
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any

from bot.queue_access import HOME
from labeling.erasing import logs_empty, records_of
from models.erasure import TraceKind
from models.errors import InputError, TrainingError
from models.frozen import DATASETS, condition
from models.ids import BurstId, ErasureId, RequestId
from models.labels import RequestState
from models.settings import Settings
from models.store import erasures, promotions, requests
from models.store.absence import remains, touched
from models.store.database import FILE, Database

_CHUNK = 1 << 20
_IDEOGRAPH = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")


def report(db: Database, settings: Settings, name: ErasureId) -> dict[str, Any]:
    """Follow an erasure through everything that was made of the text; raises InputError where there is none such.

    ``clean`` is True where every check found nothing; ``left`` names the steps that are still to be done.
    """
    found = erasures.get(db, name)
    if found is None:
        known = ", ".join(one.id for one in erasures.every(db)[-5:]) or "none yet"
        raise InputError(f"there is no erasure {name}; the latest: {known}")
    bursts = frozenset(erasures.bursts_touched(db, name))
    steps = [trace.name for trace in erasures.traces(db, name, TraceKind.STEP) if not trace.done]
    datasets = [
        _dataset(settings.data_dir, trace.name, trace.detail, bursts)
        for trace in erasures.traces(db, name, TraceKind.DATASET)
    ]
    argilla = _argilla(db, settings, name)
    log = settings.data_dir / f"{FILE}-wal"
    left = remains(db, name)
    serving = promotions.current_slot(db)
    stale = [candidate for candidate, by in erasures.stale_candidates(db).items() if name in by]
    return {
        "id": found.id,
        "kind": found.kind.value,
        "member_hash": found.member_hash,
        "room": found.room,
        "at": found.at.isoformat(),
        "done_at": None if found.done_at is None else found.done_at.isoformat(),
        "left": steps,
        "touched": touched(db, name),
        "remains": left,
        "argilla": argilla,
        "datasets": datasets,
        "candidates": [
            {"id": one, "serves": serving is not None and serving.candidate == one, "state": "to be trained anew"}
            for one in stale
        ],
        "log_bytes": log.stat().st_size if log.exists() else 0,
        "clean": not any(left.values())
        and not argilla["records"]
        and all(d["verified"] and not d["left"] for d in datasets),
    }


def scan(data_dir: Path, text: str) -> list[Path]:
    """Look for a text in every file of the data directory, as it stands and as databases and JSON write it."""
    needles = sorted({form.encode("utf-8", "replace") for form in _forms(text) if form.strip()})
    if not needles:
        raise InputError("there is no text to look for on standard input")
    return [path for path in sorted(data_dir.rglob("*")) if path.is_file() and _holds(path, needles)]


def _forms(text: str) -> Iterable[str]:
    whole = text.strip()
    for form in (whole, escape(whole, quote=False), _IDEOGRAPH.sub(r" \g<0> ", whole)):
        yield form
        yield json.dumps(form)[1:-1]
        yield json.dumps(form, ensure_ascii=False)[1:-1]


def _holds(path: Path, needles: Sequence[bytes]) -> bool:
    overlap = max(map(len, needles)) - 1
    tail = b""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            here = tail + chunk
            if any(needle in here for needle in needles):
                return True
            tail = here[-overlap:] if overlap else b""
    return False


def _argilla(db: Database, settings: Settings, name: ErasureId) -> dict[str, Any]:
    """Records that showed erased text: how many were deleted, and how many an embedded Argilla still has."""
    traced = erasures.traces(db, name, TraceKind.REQUEST)
    gone: list[RequestId] = []
    for trace in traced:
        request = requests.get(db, RequestId(trace.name))
        if request is None or request.state is RequestState.WITHDRAWN:
            gone.append(RequestId(trace.name))
    embedded = settings.argilla.url is None
    home = settings.data_dir / HOME
    return {
        "requests": len(traced),
        "deleted": sum(trace.done for trace in traced),
        "asked_anew": len(traced) - len(gone),
        "records": records_of(home, gone) if embedded else None,
        "logs_empty": logs_empty(home) if embedded else None,
    }


def _dataset(data_dir: Path, name: str, detail: str | None, bursts: frozenset[BurstId]) -> dict[str, Any]:
    figures = json.loads(detail or "{}")
    try:
        found = condition(data_dir / DATASETS / name)
    except TrainingError as error:
        return {"id": name, **figures, "verified": False, "left": 0, "error": str(error)}
    return {
        "id": name,
        **figures,
        "verified": found.verified,
        "tombstones": found.tombstones,
        "left": len(found.bursts & bursts),
    }

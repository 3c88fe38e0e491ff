"""What a rung says once it was trained on some labels: made once, and kept by the hash of what it is made of."""

import json
from collections.abc import Sequence
from pathlib import Path

from models.ids import BurstId, QuestionId
from models.item import Item
from models.replacement import replacing
from retrain.checkpoint import load_base
from retrain.ladder import Course, Readings, read
from retrain.lora import fingerprint, train_adapter


def tuned_readings(rung: str, items: Sequence[Item], asked: Sequence[Item], course: Course) -> Readings:
    """Option scores of the labelled questions of ``asked`` by an adapter trained on ``items``, made or kept."""
    key = fingerprint(rung, [*items, *asked], course.questions, course.train, course.budget)
    kept = course.work / f"{key}-{len(items)}.readings.json"
    if not kept.exists():
        adapter = _trained(rung, items, course, f"{key}-{len(items)}")
        with course.stage(f"{rung}: read {len(asked)} bursts") as advance:
            found = read(load_base(rung, adapter=adapter), asked, course, advance)
        with replacing(kept) as aside:
            aside.write_text(json.dumps({q: dict(scores) for q, scores in found.items()}), encoding="ascii")
    body = json.loads(kept.read_text(encoding="ascii"))
    return {QuestionId(q): {BurstId(b): s for b, s in scores.items()} for q, scores in body.items()}


def _trained(rung: str, items: Sequence[Item], course: Course, key: str) -> Path:
    adapter = course.work / f"{key}.adapter"
    if not adapter.exists():
        with course.stage(f"{rung}: train on {len(items)} bursts") as advance:
            train_adapter(
                rung,
                items,
                course.questions,
                course.train,
                out=adapter,
                work=course.work / f"{key}.state",
                budget=course.budget,
                progress=advance,
            )
    return adapter

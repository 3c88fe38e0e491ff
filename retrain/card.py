"""A dataset's card for machines: counts, agreement, languages, rooms and rights, wordings, licences. Pure."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from models.agreement import krippendorff_alpha, units_of
from models.ids import BurstId, DatasetId, RoomId
from models.item import Item
from models.labels import IMPORTED, Label, Purpose, Response
from models.privacy import WORDS
from models.question import Question, versions
from models.script import language
from retrain.leakage import leakage
from retrain.split import Split, by_conversation

OWN = "own chat"
UNSTATED = "not stated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origins:
    """What the store and config.toml know of where items come from.

    ``rights`` says in words what a room of a platform agreed to; ``licences`` are those of imported files, by source.
    """

    labels: Sequence[Label] = ()
    answered: Sequence[tuple[BurstId, Purpose, Response]] = ()
    rights: Callable[[RoomId, str], str] = lambda _room, _platform: UNSTATED
    licences: Mapping[str, str] = field(default_factory=dict)


def card(
    dataset: DatasetId,
    layout: int,
    parts: Split,
    questions: Sequence[Question],
    origins: Origins,
    *,
    holdout_share: float,
    frozen_at: datetime,
) -> dict[str, Any]:
    """Describe what is about to be frozen."""
    whole = {"train": parts.train, "calibration": parts.calibration, "gate": parts.gate}
    items = [item for part in whole.values() for item in part]
    bursts = {item.burst.id for item in items}
    labels = [label for label in origins.labels if label.burst in bursts and label.option is not None]
    days = [item.burst.started_at for item in items]
    return {
        "id": dataset,
        "format": layout,
        "frozen_at": frozen_at.isoformat(),
        "question_versions": dict(versions(questions)),
        "split": "by conversation: the latest and all audited ones are held out, and halved in turn",
        "holdout_share": holdout_share,
        "dropped_for_overlap": len(parts.dropped),
        "dropped_as_copies": len(parts.copied),
        "erased": 0,
        "span": {"from": min(days).date().isoformat(), "to": max(days).date().isoformat()},
        "questions": {q.id: _question(q) for q in questions},
        **{name: _counts(part, questions) for name, part in whole.items()},
        "languages": {name: dict(Counter(language(i.burst.text) for i in part)) for name, part in whole.items()},
        "rooms": _rooms(whole, labels, origins),
        "labels": _labels(labels, origins),
        "agreement": {q.id: _agreement(q, questions, bursts, origins) for q in questions},
        "masked": _masked(items),
        "leakage": asdict(leakage(parts.train, parts.calibration, parts.gate)),
    }


def _question(question: Question) -> dict[str, Any]:
    return {
        "version": question.version,
        "text": question.text,
        "definition": question.definition,
        "guidelines": question.guidelines,
        "options": {option.id: option.wording for option in question.options},
        "positive": question.positive,
    }


def _counts(items: Sequence[Item], questions: Sequence[Question]) -> dict[str, Any]:
    answers = {q.id: dict(Counter(i.answers[q.id] for i in items if q.id in i.answers)) for q in questions}
    return {
        "items": len(items),
        "conversations": len(by_conversation(items)),
        "rooms": len({item.burst.room for item in items}),
        "audit": sum(item.audit for item in items),
        "answers": answers,
    }


def _rooms(whole: Mapping[str, Sequence[Item]], labels: Sequence[Label], origins: Origins) -> list[dict[str, Any]]:
    """Rooms by number, the one with most bursts first; no name or id by which a platform knows them."""
    found: dict[tuple[str, RoomId], Counter[str]] = {}
    sources: dict[BurstId, str] = {label.burst: label.source for label in labels if label.source is not None}
    imported: dict[tuple[str, RoomId], set[str]] = {}
    for part, items in whole.items():
        for item in items:
            key = (item.burst.platform, item.burst.room)
            found.setdefault(key, Counter())[part] += 1
            if item.burst.platform == IMPORTED and (source := sources.get(item.burst.id)):
                imported.setdefault(key, set()).add(source)
    ranked = sorted(found, key=lambda key: (-found[key].total(), key))
    return [
        {
            "name": f"room {number}",
            "platform": platform or "unknown",
            **{part: found[platform, room][part] for part in whole},
            "rights": "imported for training" if platform == IMPORTED else origins.rights(room, platform),
            "licence": _licence(imported.get((platform, room)), origins) if platform == IMPORTED else OWN,
        }
        for number, (platform, room) in enumerate(ranked, start=1)
    ]


def _licence(sources: set[str] | None, origins: Origins) -> str:
    stated = {origins.licences.get(source, UNSTATED) for source in sources or ()}
    return ", ".join(sorted(stated)) or UNSTATED


def _labels(labels: Sequence[Label], origins: Origins) -> dict[str, Any]:
    sources = Counter(label.source for label in labels if label.source is not None)
    return {
        "labels": len(labels),
        "responses": sum(label.responses for label in labels),
        "annotators": len({name for label in labels for name in label.annotators}),
        "imported": sources.total(),
        "sources": {
            name: {"labels": count, "licence": origins.licences.get(name, UNSTATED)} for name, count in sources.items()
        },
    }


def _agreement(
    question: Question, questions: Sequence[Question], bursts: set[BurstId], origins: Origins
) -> dict[str, Any]:
    units = units_of(question, questions, [one for one in origins.answered if one[0] in bursts])
    several = [list(unit.answers.values()) for unit in units if len(unit.answers) > 1]
    alpha = krippendorff_alpha(several)
    return {"alpha": None if alpha is None else round(alpha, 4), "bursts": len(several)}


def _masked(items: Sequence[Item]) -> dict[str, int]:
    """How often each placeholder stands in bursts and windows; a message in several windows counts in each."""
    found: Counter[str] = Counter()
    for item in items:
        for text in (item.burst.text, *(message.text for message in item.burst.window)):
            for kind, word in WORDS.items():
                found[kind] += text.count(word)
    return {kind: count for kind, count in found.items() if count}

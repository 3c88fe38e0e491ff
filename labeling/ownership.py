"""Telling what in an Argilla is ours: nothing else there is ever written to or deleted.

A dataset is ours if it has the name of one of our queues and is made as we make them; what admins may change on its
settings page (titles, guidelines) does not count. One that was left half-made still has our guidelines, word for word.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from models.errors import LabelingError

ANNOTATOR = "added by Quandary"
"""The last name of annotators that we made: of nobody else is the password ever set."""
_FIELDS = frozenset({"window", "burst"})

Shape = frozenset[tuple[str, ...]]


def shape(parts: Mapping[str, Sequence[Mapping[str, Any]]]) -> Shape:
    """What a dataset is made of: kind, name and type of its fields, questions (with their options) and metadata.

    ``parts`` has ``fields``, ``questions`` and ``metadata`` in Argilla's own JSON.
    """
    found: set[tuple[str, ...]] = set()
    for kind in ("fields", "questions", "metadata"):
        for part in parts[kind]:
            settings = part["settings"]
            options = sorted(str(option["value"]) for option in settings.get("options") or ())
            found.add((kind, str(part["name"]), str(settings["type"]), *options))
    return frozenset(found)


def check(name: str, found: Shape, wanted: Shape) -> None:
    """Raise LabelingError for a dataset of our name that is made otherwise than ours."""
    odd = sorted({part[1] for part in found ^ wanted})
    if odd:
        raise LabelingError(
            f"Argilla has a dataset {name} that Quandary did not make: it differs in {', '.join(odd)}. It is left as "
            "it is; rename it in Argilla, or delete it there, and Quandary makes its own"
        )


def check_half_made(name: str, guidelines: str | None, found: Shape, wanted: Shape, ours: str) -> None:
    """Raise LabelingError for a half-made dataset of our name that is not what we leave when we are killed over one."""
    if (guidelines or "").strip() != ours.strip() or not found <= wanted:
        raise LabelingError(
            f"Argilla has an unpublished dataset {name} that Quandary did not make. It is left as it is; rename it in "
            "Argilla, or delete it there, and Quandary makes its own"
        )


def is_queue(parts: Mapping[str, Sequence[Mapping[str, Any]]]) -> bool:
    """Tell whether a dataset with the name of a queue is one, in whatever words."""
    return {str(part["name"]) for part in parts["fields"]} >= _FIELDS


def is_request(record: Mapping[str, Any]) -> bool:
    """Tell whether a record is a request: it says its id twice."""
    return bool((record.get("metadata") or {}).get("request") == record["external_id"])

"""The bundled chat and its answers, as a replay file, earlier messages and labelled items."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.chat import Burst
from models.ids import EventId, OptionId, QuestionId
from models.item import Item
from models.labelled import read_json_lines
from models.question import Question

FOLDER = Path(__file__).parent
STRETCHES = ("S1", "S2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """One stretch: the lines to replay, and the twelve messages before, which only stand in windows."""

    name: str
    earlier: tuple[Mapping[str, Any], ...]
    lines: tuple[Mapping[str, Any], ...]

    def write(self, folder: Path, *, earlier: bool = False) -> Path:
        """Write the messages (or those before) as a file for ReplayChat."""
        path = folder / f"{self.name}{'.earlier' if earlier else ''}.jsonl"
        rows = self.earlier if earlier else self.lines
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        return path


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One annotator's answers to one burst: option by question, and a rewrite where the burst needs one."""

    annotator: str
    options: Mapping[QuestionId, OptionId]
    rewrite: str | None


Answers = Mapping[tuple[EventId, ...], tuple[Answer, ...]]


def read_stretch(name: str, most: int = 0) -> Stretch:
    """Read a bundled stretch, or its first ``most`` messages."""
    rows = [row for _, row in read_json_lines(FOLDER / "messages.jsonl") if row["stretch"] == name]
    return Stretch(
        name=name,
        earlier=tuple(row for row in rows if row.get("earlier")),
        lines=tuple(row for row in rows if not row.get("earlier"))[: most or None],
    )


def read_answers(name: str, room: str, questions: Sequence[Question]) -> Answers:
    """Read a stretch's answers, by the ids of each burst's messages as ReplayChat gives them."""
    found: dict[tuple[EventId, ...], tuple[Answer, ...]] = {}
    for _, row in read_json_lines(FOLDER / "answers.jsonl"):
        if row["stretch"] == name:
            key = tuple(EventId(f"replay:{room}:{number}") for number in row["message_ids"])
            found[key] = tuple(_answer(response, questions) for response in row["responses"])
    return found


def label(burst: Burst, answers: Answers, questions: Sequence[Question], conversation: str) -> Item | None:
    """Make the item on which both annotators agree; None where they answered nothing alike."""
    given = answers.get(burst.message_ids, ())
    agreed = {
        question.id: given[0].options[question.id]
        for question in questions
        if given and question.id in given[0].options and len({a.options.get(question.id) for a in given}) == 1
    }
    return Item(burst=burst, answers=agreed, conversation=conversation) if agreed else None


def _answer(response: Mapping[str, Any], questions: Sequence[Question]) -> Answer:
    options = {q.id: OptionId(response[q.id]) for q in questions if response.get(q.id) is not None}
    return Answer(annotator=str(response["annotator"]), options=options, rewrite=response.get("rewrite"))

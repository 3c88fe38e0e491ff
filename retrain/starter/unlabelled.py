"""Bursts of raw chat that nobody labelled: what a teacher may label for the rungs."""

import json
import random
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from models.chat import Burst, WindowMessage
from models.ids import BurstId, MemberId, QuestionId, RoomId
from models.metrics import Floats
from models.question import Question
from retrain.rule import RULES
from retrain.starter.corpus import Message

WINDOW = 6
"""Messages before a burst: more than the short prompts of training hold."""
LONGEST = 300
"""A burst takes no further message once it has so many characters."""
ASKING = 0.7
"""Share of the drawn bursts that look like questions: needs_context is learned from these alone."""
SHORTEST = 4
"""Characters below which there is nothing to learn from a burst."""
_ASKING = re.compile(
    r"[?\uff1f吗呢]|什么|怎么|\b(?:how|what|why|where|when|who|which|anyone|anybody|someone|somebody|any idea|help)\b",
    re.IGNORECASE,
)
RULED = frozenset({QuestionId("is_question")})
"""The questions whose rule knows something that the teacher does not."""
RULE_VIEWS = (0.1, 0.95)
"""How likely the positive answer is where the rule says no and yes: rounded from the gold train rows."""
_UNKNOWN_TIME = datetime(1970, 1, 1, tzinfo=UTC)


def bursts(messages: Sequence[Message]) -> Iterator[Burst]:
    """Join consecutive messages of one sender, as bursts are where times are unknown; rooms stay apart."""
    room = ""
    before: list[WindowMessage] = []
    for place, message in enumerate(messages):
        if message.room != room:
            room, before = message.room, []
        if before and before[-1].sender == message.sender and len(before[-1].text) < LONGEST:
            before[-1] = WindowMessage(sender=message.sender, text=f"{before[-1].text}\n{message.text}")
        else:
            before = [*before[-WINDOW:], WindowMessage(sender=message.sender, text=message.text)]
        following = messages[place + 1] if place + 1 < len(messages) else None
        if following is None or following.room != room or following.sender != message.sender:
            yield _burst(f"{room}:{place}", room, message.sender, before[-1].text, before[:-1])


def looks_asking(text: str) -> bool:
    """Tell whether a text looks like a question, by a net wider than the rule's."""
    return _ASKING.search(text) is not None


def draw(found: Sequence[Burst], count: int, seed: int) -> list[Burst]:
    """Draw ``count`` bursts, most of them from those that look like questions: they are rare, and what is hard."""
    rng = random.Random(seed)  # noqa: S311 - sampling, not secrets
    sides: tuple[list[Burst], list[Burst]] = ([], [])
    for burst in found:
        if len(burst.text) >= SHORTEST:
            sides[looks_asking(burst.text)].append(burst)
    asking = min(int(ASKING * count), len(sides[True]))
    drawn = rng.sample(sides[True], asking) + rng.sample(sides[False], min(count - asking, len(sides[False])))
    rng.shuffle(drawn)
    return drawn


def blended(found: Sequence[Burst], views: Floats, questions: Sequence[Question]) -> Floats:
    """Average the teacher's views of the questions in ``RULED`` with the wide rule's: [bursts, questions].

    The two err on different bursts: together they are right more often than either, above all on the many that ask
    nothing (docs/experiments.md).
    """
    views = views.copy()
    for column, question in enumerate(questions):
        if question.id in RULED:
            said = np.array([RULE_VIEWS[RULES[question.id](burst)] for burst in found])
            views[:, column] = (views[:, column] + said) / 2
    return views


def write_taught(path: Path, drawn: Sequence[Burst], views: Floats) -> None:
    """Write bursts with a teacher's views, one JSON object a line, whole or not at all."""
    aside = path.with_name(f"{path.name}.aside")
    with aside.open("w", encoding="utf-8") as file:
        for burst, row in zip(drawn, views, strict=True):
            window = [[m.sender, m.text] for m in burst.window]
            body = {"id": burst.id, "room": burst.room, "sender": burst.sender, "text": burst.text, "window": window}
            file.write(json.dumps({**body, "views": [round(float(p), 4) for p in row]}, ensure_ascii=False) + "\n")
    aside.replace(path)


def read_taught(path: Path) -> tuple[list[Burst], Floats]:
    """Read what ``write_taught`` wrote: bursts, and [bursts, questions] views."""
    with path.open(encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    found = [
        _burst(
            row["id"],
            row["room"],
            row["sender"],
            row["text"],
            [WindowMessage(sender=s, text=t) for s, t in row["window"]],
        )
        for row in rows
    ]
    return found, np.array([row["views"] for row in rows], dtype=np.float64)


def _burst(name: str, room: str, sender: str, text: str, window: Sequence[WindowMessage]) -> Burst:
    return Burst(
        id=BurstId(name),
        room=RoomId(room),
        sender=MemberId(sender),
        text=text,
        window=tuple(window),
        started_at=_UNKNOWN_TIME,
        ended_at=_UNKNOWN_TIME,
    )

"""Bursts for speed measurements: made up, all of one length, no two alike."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from models.chat import Burst, WindowMessage
from models.ids import BurstId, MemberId, RoomId
from models.prompt import preamble
from models.question import Question
from models.tokens import Tokenizer, join

_WORDS = """
the new build still fails on my machine after an update of the driver but it works when I start it by hand and nobody
knows which version of the library was there before so I would try to install the old package again or ask the people
who maintain it whether a fix is on its way because this has cost me two evenings already
"""
_THEN = datetime(2026, 1, 1, tzinfo=UTC)
_MESSAGES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """Questions whose preamble takes half of a prompt, and bursts that fill the other half."""

    questions: tuple[Question, ...]
    bursts: tuple[Burst, ...]


def workload(questions: Sequence[Question], tokenizer: Tokenizer, *, tokens: int, branch: int, count: int) -> Workload:
    """Make ``count`` bursts whose prompts take about ``tokens`` ids: half preamble, and branches of ``branch``.

    Definitions grow by words of the question's guidelines until the preamble is long enough.
    """
    grown = _grown(tuple(questions), tokenizer, tokens // 2)
    room = tokens - len(join(preamble(grown), tokenizer)) - branch
    rng = random.Random(0)  # noqa: S311 - made-up chat, nothing secret
    return Workload(questions=grown, bursts=tuple(_burst(i, room, tokenizer, rng) for i in range(count)))


def _grown(questions: tuple[Question, ...], tokenizer: Tokenizer, tokens: int) -> tuple[Question, ...]:
    words = [(q.guidelines or q.definition).split() for q in questions]
    added = 0
    while len(join(preamble(questions), tokenizer)) < tokens:
        place = added % len(questions)
        source = words[place]
        word = source[(added // len(questions)) % len(source)]
        longer = replace(questions[place], definition=f"{questions[place].definition} {word}")
        questions = (*questions[:place], longer, *questions[place + 1 :])
        added += 1
    return questions


def _burst(number: int, room: int, tokenizer: Tokenizer, rng: random.Random) -> Burst:
    words = _WORDS.split()
    texts: list[list[str]] = [[] for _ in range(_MESSAGES + 1)]
    used = 5 * len(texts)  # the senders' names and line breaks
    while used < room:
        word = rng.choice(words)
        used += len(tokenizer.ids(f" {word}", special=False))
        rng.choice(texts).append(word)
    lines = [" ".join(text) or "ok" for text in texts]
    return Burst(
        id=BurstId(f"bench-{number}"),
        room=RoomId("bench"),
        sender=MemberId("asker"),
        text=f"{lines[-1]}?",
        window=tuple(WindowMessage(sender=f"member {i % 3}", text=line) for i, line in enumerate(lines[:-1])),
        started_at=_THEN,
        ended_at=_THEN,
    )

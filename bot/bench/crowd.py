"""A crowd that talks: many rooms of many members, made from a seed. Pure."""

import heapq
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from models.chat import ChatEvent
from models.ids import EventId, MemberId, RoomId

PLATFORM = "crowd"
BEGIN = datetime(2026, 1, 5, 12, tzinfo=UTC)
BURST_MESSAGES = (0.76, 0.16, 0.06, 0.02)
"""Shares of bursts of one, two, three and four messages, as in the bundled Ubuntu chat."""
TYPING_S = (1.0, 8.0)
"""Between two messages of a burst: less than the gap that ends one."""
ROOM_SKEW = 0.5
"""Zipf's exponent over rooms: a few have many members and are loud, most are quiet."""
SYLLABLES = (
    "ka",
    "to",
    "mi",
    "re",
    "su",
    "na",
    "el",
    "or",
    "in",
    "dra",
    "ve",
    "lo",
    "pi",
    "sha",
    "un",
    "ter",
    "gi",
    "bo",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """How many talk where, and how fast: ``rate`` is messages a second of the chat's own time, over all rooms."""

    rooms: int = 1000
    members: int = 10_000
    rate: float = 200.0
    seed: int = 0


def talk(crowd: Crowd, texts: Sequence[str], begin: datetime = BEGIN) -> Iterator[ChatEvent]:
    """Yield messages without end, in order of time; a member speaks in one room, in bursts of one to four messages."""
    rng = random.Random(crowd.seed)  # noqa: S311 - a load, not a secret
    weights = [(place + 1) ** -ROOM_SKEW for place in range(crowd.rooms)]
    homes = [*range(crowd.rooms), *rng.choices(range(crowd.rooms), weights, k=max(0, crowd.members - crowd.rooms))]
    bursts_a_second = crowd.rate / sum(share * (n + 1) for n, share in enumerate(BURST_MESSAGES))
    pending: list[tuple[float, int, int]] = []  # when, number, member
    number, starts_at = 0, 0.0
    said = 0
    while True:
        starts_at += rng.expovariate(bursts_a_second)
        while pending and pending[0][0] < starts_at:
            at, _, member = heapq.heappop(pending)
            yield _message(said, homes[member], member, begin + timedelta(seconds=at), texts[rng.randrange(len(texts))])
            said += 1
        member = rng.randrange(len(homes))
        at = starts_at
        for _ in range(rng.choices((1, 2, 3, 4), BURST_MESSAGES)[0]):
            heapq.heappush(pending, (at, number, member))
            number += 1
            at += rng.uniform(*TYPING_S)


def made_up_texts(seed: int, count: int = 2000) -> list[str]:
    """Make lines of chat from syllables: half are shorter than 45 characters, one in twenty is longer than 220."""
    rng = random.Random(seed)  # noqa: S311 - a load, not a secret
    texts = []
    for _ in range(count):
        length = rng.lognormvariate(3.8, 0.97)
        words: list[str] = []
        while sum(map(len, words)) + len(words) < length:
            words.append("".join(rng.choices(SYLLABLES, k=rng.randint(1, 4))))
        texts.append(" ".join(words) + rng.choice(("", "", "", ".", "?")))
    return texts


def _message(number: int, room: int, member: int, sent_at: datetime, text: str) -> ChatEvent:
    return ChatEvent(
        id=EventId(f"{PLATFORM}:!room{room}:{number}"),
        platform=PLATFORM,
        room=RoomId(f"!room{room}"),
        sender=MemberId(f"@member{member}"),
        text=text,
        sent_at=sent_at,
        cursor=str(number + 1),
    )

"""Splitting labelled bursts by conversation and time, never by row. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from models.chat import Burst
from models.errors import TooFewLabels
from models.item import Item

LEAST_ITEMS = 24
"""Below this many labelled bursts nothing can be trained, let alone judged."""
LONG_MESSAGE_CHARS = 20
"""A message at least this long marks two windows as overlapping by itself; shorter ones only two in a row."""


class Part(StrEnum):
    """What an item may be used for."""

    TRAIN = "train"
    CALIBRATION = "calibration"
    GATE = "gate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """The items of each part, oldest first.

    ``dropped`` would have been trained on, but show messages of the holdout; ``copied`` say what is said there, too.
    """

    train: tuple[Item, ...]
    calibration: tuple[Item, ...]
    gate: tuple[Item, ...]
    dropped: tuple[Item, ...]
    copied: tuple[Item, ...] = ()


def split(items: Sequence[Item], *, holdout_share: float, folds: int) -> Split:
    """Hold out the latest conversations, all with audit items and all not to be trained on; halve the holdout.

    ``holdout_share`` (0..1) is reached with whole conversations; ``folds`` conversations at least stay for training,
    so that the ladder can be cross-fitted. Raises TooFewLabels saying how many are missing.
    """
    conversations = by_conversation(items)
    if len(items) < LEAST_ITEMS:
        missing = LEAST_ITEMS - len(items)
        raise TooFewLabels(f"there are {len(items)} labelled bursts; training needs {missing} more")
    held = _held_out(conversations, holdout_share * len(items), folds)
    training = [name for name in conversations if name not in held]
    lacking = max(0, folds - len(training)) + max(0, 2 - len(held))
    if lacking:
        raise TooFewLabels(
            f"the {len(items)} labelled bursts come from {len(conversations)} conversations, {len(training)} of which "
            f"may be trained on; {lacking} more are needed, to train in {folds} folds and to hold out two"
        )
    calibration, gate = _halves([conversations[name] for name in conversations if name in held])
    seen = Traces(item.burst for item in (*calibration, *gate))
    candidates = [item for name in training for item in conversations[name]]
    dropped = tuple(item for item in candidates if seen.meet(item.burst))
    train = tuple(item for item in candidates if not seen.meet(item.burst))
    enough(train, len(candidates), folds)
    return Split(train=train, calibration=calibration, gate=gate, dropped=dropped)


def enough(train: Sequence[Item], candidates: int, folds: int) -> None:
    """Raise TooFewLabels where what is left to train on cannot be cut into folds."""
    if len(by_conversation(train)) < folds:
        raise TooFewLabels(
            f"{candidates - len(train)} of {candidates} bursts for training show messages of the holdout or "
            f"say the same, and what is left is less than {folds} conversations; label more conversations"
        )


def by_conversation(items: Iterable[Item]) -> dict[str, list[Item]]:
    """Group items, conversations in order of their first burst and items in order of time."""
    grouped: dict[str, list[Item]] = {}
    for item in sorted(items, key=lambda i: (i.burst.started_at, i.burst.id)):
        grouped.setdefault(item.conversation, []).append(item)
    return grouped


def _held_out(conversations: dict[str, list[Item]], wanted: float, folds: int) -> set[str]:
    held = {n for n, items in conversations.items() if any(item.audit or not item.trainable for item in items)}
    count = sum(len(conversations[name]) for name in held)
    for name in reversed(conversations):
        if (count >= wanted and len(held) >= 2) or len(conversations) - len(held) <= folds:
            break
        if name not in held:
            held.add(name)
            count += len(conversations[name])
    return held


def _halves(conversations: Iterable[list[Item]]) -> tuple[tuple[Item, ...], tuple[Item, ...]]:
    """Deal conversations out in order of time, each to the half that has fewer items so far."""
    halves: tuple[list[Item], list[Item]] = ([], [])
    for items in conversations:
        halves[len(halves[0]) > len(halves[1])].extend(items)
    return tuple(halves[0]), tuple(halves[1])


class Traces:
    """What bursts and their windows say, to find other bursts that show the same messages.

    Windows of frozen datasets carry no message ids, so there messages are told apart by room and text; a short one
    ("ok") counts only together with its neighbour and both senders, or busy rooms would lose most of their training
    items. A long one counts whoever said it, for a dataset calls the same member S here and P1 there.
    """

    def __init__(self, bursts: Iterable[Burst]) -> None:
        self._marks = {mark for burst in bursts for mark in _marks(burst)}

    def meet(self, burst: Burst) -> bool:
        """Tell whether a burst shares a message, in itself or its window."""
        return not self._marks.isdisjoint(_marks(burst))


def _marks(burst: Burst) -> set[tuple[str, ...]]:
    lines = [(m.sender, line) for m in burst.window for line in m.text.split("\n")]
    lines += [(burst.sender, line) for line in burst.text.split("\n")]
    ids = (*burst.message_ids, *(m.id for m in burst.window if m.id is not None))
    found: set[tuple[str, ...]] = {("id", burst.room, i) for i in ids}
    found |= {(burst.room, text) for _, text in lines if len(text) >= LONG_MESSAGE_CHARS}
    found |= {(burst.room, *first, *second) for first, second in pairwise(lines)}
    return found

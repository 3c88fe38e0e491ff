"""Sending suspect labels back: as many random controls go with them, and nobody is told which is which.

Without controls a second look that changes a label says little: people change some labels whenever they look again.
What they change more often among suspects than among controls is what the suspicion is worth.
"""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from labeling.second import ask_to_review
from models.consent import Mode
from models.ids import BurstId, RoomId
from models.question import Question, versions
from models.store import suspects
from models.store.database import transaction
from models.suspects import THRESHOLD, Review, Weighed


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """How many suspects and controls went out, and the mean suspicion of the former: the precision to expect."""

    suspects: int
    controls: int
    expected: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What became of one kind of second looks: sent, answered, and of these changed or now in dispute."""

    sent: int
    answered: int
    changed: int
    disputed: int


def choose(
    weighed: Sequence[Weighed], most: int, rng: random.Random
) -> tuple[tuple[Weighed, ...], tuple[Weighed, ...]]:
    """Choose the most suspect labels and as many random controls, ``most`` bursts in all. Pure.

    ``weighed`` is most suspect first. A suspect has a suspicion of 0.5 or more; a burst is sent for one question at
    most. Each suspect's control is drawn among bursts that are suspect on no question, for the same question.
    Where controls run out, suspects wait.
    """
    tops: dict[BurstId, Weighed] = {}
    for one in weighed:
        if one.suspicion >= THRESHOLD:
            tops.setdefault(one.burst, one)
    pools: dict[str, list[Weighed]] = {}
    for one in sorted(weighed, key=lambda w: (w.burst, w.question)):  # drawn alike whatever was suspected how much
        if one.burst not in tops:
            pools.setdefault(one.question, []).append(one)
    for pool in pools.values():
        rng.shuffle(pool)
    chosen: list[Weighed] = []
    controls: dict[BurstId, Weighed] = {}
    for top in tops.values():
        if len(chosen) >= most // 2:
            break
        pool = pools.get(top.question, [])
        while pool and pool[-1].burst in controls:
            pool.pop()
        if pool:
            chosen.append(top)
            control = pool.pop()
            controls[control.burst] = control
    return tuple(chosen), tuple(controls.values())


def send(
    db: Any,
    questions: Sequence[Question],
    most: int,
    rng: random.Random,
    at: datetime,
    modes: Callable[[RoomId, str], Mode] = lambda _room, _platform: Mode.TRAIN,
) -> Sent:
    """Ask for second looks at suspects and controls, ``most`` bursts in all, in one transaction; raises StoreError."""
    with transaction(db):
        tops, controls = choose(suspects.unreviewed(db, versions(questions), modes), most, rng)
        known = {one.burst: one for one in (*tops, *controls)}
        # By id, not by suspicion: nothing about the order in which they are made tells them apart.
        made = ask_to_review(db, sorted(known), questions, at)
        sent = {request: known[burst] for burst, request in made.items()}
        others = [made[one.burst] for one in controls if one.burst in made]
        suspects.put_reviews(db, sent, others, at)
    out = [one.suspicion for one in tops if one.burst in made]
    return Sent(suspects=len(out), controls=len(others), expected=sum(out) / len(out) if out else 0.0)


def looked(reviews: Iterable[Review]) -> Looked:
    """Count what became of second looks."""
    rows = list(reviews)
    return Looked(
        sent=len(rows),
        answered=sum(row.answered for row in rows),
        changed=sum(row.changed for row in rows),
        disputed=sum(row.answered and row.now is None for row in rows),
    )

"""What annotators' work did: how often the bot had to ask before and after the newest model, over the same rooms."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import sqrt

from models.labels import Response, ResponseStatus

BURSTS_MIN = 100
"""Fewer bursts on one side, and nothing is said of the ask rate."""
_Z = 1.96  # 95 %


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubts:
    """Bursts of one room that one model routed, and how many of them it was unsure of."""

    room: str
    bursts: int
    unsure: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Share of unsure bursts under the model before and the newest (0..1), and the 95 % interval of the difference.

    Both are over rooms that both models saw, each room weighted by its bursts under the newest model.
    """

    before: float
    after: float
    low: float
    high: float
    bursts: tuple[int, int]

    @property
    def clear(self) -> bool:
        """Whether the difference is larger than chance would have it."""
        return self.low > 0.0 or self.high < 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One annotator's answers that the newest model could learn from, those since, and agreement with others (0..1)."""

    used: int
    since: int
    agreed: int
    shared: int
    """Answers to questions that somebody else answered too; ``agreed`` of them were the same."""


def compare(before: Sequence[Doubts], after: Sequence[Doubts]) -> Rates | None:
    """Compare ask rates; None where no room, or fewer than 100 bursts, are to be had on both sides."""
    olds = {d.room: d for d in before if d.bursts}
    pairs = [(olds[d.room], d) for d in after if d.bursts and d.room in olds]
    was, now = sum(old.bursts for old, _ in pairs), sum(new.bursts for _, new in pairs)
    if min(was, now) < BURSTS_MIN:
        return None
    earlier = later = variance = 0.0
    for old, new in pairs:
        weight = new.bursts / now
        earlier += weight * old.unsure / old.bursts
        later += weight * new.unsure / new.bursts
        variance += weight**2 * (_variance(old) + _variance(new))
    half = _Z * sqrt(variance)
    gap = later - earlier
    return Rates(before=earlier, after=later, low=gap - half, high=gap + half, bursts=(was, now))


def work_of(name: str | None, responses: Sequence[Response], learned_at: datetime | None) -> Work:
    """Count the submitted answers of one annotator, or of all where ``name`` is None.

    ``learned_at`` is when the newest model's candidate was made; None where none was promoted.
    """
    submitted = [r for r in responses if r.status is ResponseStatus.SUBMITTED and r.answers]
    own = [r for r in submitted if name is None or r.annotator == name]
    used = sum(learned_at is not None and r.submitted_at <= learned_at for r in own)
    by_request: dict[str, list[Response]] = {}
    for response in submitted:
        by_request.setdefault(response.request, []).append(response)
    pairs = [
        option == other.answers[question]
        for mine in own
        for other in by_request[mine.request]
        if other.annotator != mine.annotator
        for question, option in mine.answers.items()
        if question in other.answers
    ]
    return Work(used=used, since=len(own) - used, agreed=sum(pairs), shared=len(pairs))


def told(work: Work, rates: Rates | None, whose: str = "your") -> list[str]:
    """Say it in sentences; what cannot be known is said to be unknown."""
    said = [f"{whose} answers: {work.used} that the newest model could learn from, {work.since} since"]
    if work.shared:
        said.append(f"same answer as somebody else: {work.agreed} of {work.shared} ({work.agreed / work.shared:.0%})")
    if work.used == 0:
        said.append("no promoted model learned from them yet")
    elif rates is None:
        said.append(f"ask rate: not known, it takes {BURSTS_MIN} bursts of the same rooms under both models")
    else:
        change = f"ask rate {rates.before:.0%} before, {rates.after:.0%} after the labels of everybody"
        if not rates.clear:
            change += ", no more than chance"
        said.append(f"{change} (difference {rates.low:+.0%} to {rates.high:+.0%}, {sum(rates.bursts)} bursts)")
    return said


def _variance(seen: Doubts) -> float:
    """Of a share, with half a success and half a failure added, so that none of 5 is not taken for certain."""
    share = (seen.unsure + 0.5) / (seen.bursts + 1.0)
    return share * (1.0 - share) / (seen.bursts + 1.0)

"""From decisions to a route: act, ask or pass. Pure."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from models.chat import Burst
from models.consent import Mode
from models.decision import Decision, Route, Routing
from models.ids import BurstId, OptionId, QuestionId, RoomId
from models.labels import Request, RequestState, request_id
from models.question import Question
from models.settings import ArgillaSettings, AskSettings

AUDIT = "audit"
NO_BUDGET = "nobody is asked: ask.daily_budget is 0"
NOT_ASKED = "nobody is asked in a room with the mode"
"""Begins the reason of a burst that is unsure where annotators may not read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaning:
    """Where decisions lead before anybody thinks of budget or audit.

    ``doubts`` are the unsure questions that have no say in the reply: worth asking about, whatever the route.
    """

    route: Route
    reason: str
    doubts: tuple[QuestionId, ...] = ()


def audited(room: RoomId, started_at: datetime, ask: AskSettings) -> bool:
    """Tell whether a burst's block of room and time belongs to the audit sample.

    A seeded hash of the block decides, so the draw is the same whenever and wherever it is made, and owes nothing to
    what was said. Blocks are ``audit_block_minutes`` long and begin at multiples of that since 1970.
    """
    block = int(started_at.timestamp() // (60 * ask.audit_block_minutes))
    digest = hashlib.sha256(f"{ask.seed}\x1f{room}\x1f{block}".encode("utf-8", "replace")).digest()
    return int.from_bytes(digest[:8], "big") < ask.audit_share * 2**64


def overlap(burst: BurstId, argilla: ArgillaSettings, seed: int) -> int:
    """How many people are to answer about a burst: ``overlap`` of them for a share that a seeded hash draws, else 1."""
    digest = hashlib.sha256(f"overlap\x1f{seed}\x1f{burst}".encode("utf-8", "replace")).digest()
    return argilla.overlap if int.from_bytes(digest[:8], "big") < argilla.overlap_share * 2**64 else 1


def lean(questions: Sequence[Question], decisions: Sequence[Decision]) -> Leaning:
    """Let the first question and those that come after it decide about the reply; the others stand beside it.

    The first one surely negative means silence, all of them surely answered means acting. A question that does not
    come after the first, or that is asked only where the first one is negative, neither blocks a reply nor silences
    one. A question without a decision counts as unsure.
    """
    sure = {decision.question: decision.sure for decision in decisions}
    answers: dict[QuestionId, OptionId] = {}
    unsure: list[QuestionId] = []
    deciding: set[QuestionId] = set()
    for place, question in enumerate(questions):
        if place == 0 or deciding & question.after.keys():
            deciding.add(question.id)
        if not question.applies(answers):
            continue
        answer = sure.get(question.id)
        if answer is None:
            unsure.append(question.id)
        else:
            answers[question.id] = answer
    first = questions[0]
    if first.id in answers and answers[first.id] != first.positive:
        reason = f"sure: {first.id} is {answers[first.id]}"
        return Leaning(route=Route.PASS, reason=reason, doubts=tuple(unsure))
    if blocking := [question for question in unsure if question in deciding]:
        return Leaning(route=Route.ASK, reason=f"unsure: {blocking[0]}")
    said = ", ".join(f"{question} is {answer}" for question, answer in answers.items() if question in deciding)
    return Leaning(route=Route.ACT, reason=f"sure: {said}", doubts=tuple(unsure))


def route(
    burst: Burst,
    questions: Sequence[Question],
    decisions: Sequence[Decision],
    ask: AskSettings,
    *,
    now: datetime,
    mode: Mode = Mode.TRAIN,
    people: int = 1,
) -> tuple[Routing, Request | None]:
    """Give a burst its route, and the request that goes with it if it is audited.

    An audited burst is always requested, blind, outside the budget, and routed like any other. An unsure burst, audited
    or not, enters the pool that is asked from (``bot/asking.py``). So does one where only questions that have no say in
    the reply are unsure; it keeps its route. Nothing is requested or drawn where the room's mode does not let
    annotators read, and nothing enters the pool where there is no budget at all. ``people`` is how many
    are to answer before it is settled.
    """
    leaning = lean(questions, decisions)
    if not mode.allows(Mode.LABEL):
        if leaning.route is Route.ASK:
            leaning = Leaning(route=Route.PASS, reason=f"{NOT_ASKED} {mode}; {leaning.reason}")
        return Routing(
            burst=burst.id, route=leaning.route, reason=leaning.reason, audit=False, probability=1.0, mode=mode
        ), None
    audit = audited(burst.room, burst.started_at, ask)
    unsure = ask.daily_budget > 0 and (leaning.route is Route.ASK or bool(leaning.doubts))
    if leaning.route is Route.ASK and not (unsure or audit):
        leaning = Leaning(route=Route.PASS, reason=f"{NO_BUDGET}; {leaning.reason}")
    elif unsure and leaning.doubts:
        leaning = replace(leaning, reason=f"{leaning.reason}; unsure: {', '.join(leaning.doubts)}")
    # Drawn by chance is only what would not be asked about anyway: the probability rises to 1 once the burst is picked.
    probability = ask.audit_share if audit else 1.0
    routing = Routing(
        burst=burst.id,
        route=leaning.route,
        reason=leaning.reason,
        audit=audit,
        probability=probability,
        unsure=unsure,
        mode=mode,
    )
    if not audit:
        return routing, None
    request = Request(
        id=request_id(burst.id, questions),
        burst=burst.id,
        strategy=AUDIT,
        probability=probability,
        blind=True,
        state=RequestState.PENDING,
        created_at=now,
        overlap=people,
    )
    return routing, request

"""From decisions to a route: act, ask or pass. Pure."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from models.chat import Burst
from models.decision import Decision, Route, Routing
from models.ids import BurstId, OptionId, QuestionId, RequestId, RoomId
from models.labels import Request, RequestState
from models.question import Question, joint_version
from models.settings import AskSettings

AUDIT, MARGIN = "audit", "margin"
OVER_BUDGET = "budget spent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaning:
    """Where decisions lead before anybody thinks of budget or audit."""

    route: Route
    reason: str


def audited(room: RoomId, started_at: datetime, ask: AskSettings) -> bool:
    """Tell whether a burst's block of room and time belongs to the audit sample.

    A seeded hash of the block decides, so the draw is the same whenever and wherever it is made, and owes nothing to
    what was said. Blocks are ``audit_block_minutes`` long and begin at multiples of that since 1970.
    """
    block = int(started_at.timestamp() // (60 * ask.audit_block_minutes))
    digest = hashlib.sha256(f"{ask.seed}\x1f{room}\x1f{block}".encode("utf-8", "replace")).digest()
    return int.from_bytes(digest[:8], "big") < ask.audit_share * 2**64


def request_id(burst: BurstId, questions: Sequence[Question]) -> RequestId:
    """Derive a request's id from burst and question versions, so that asking again is the same request."""
    digest = hashlib.sha256(f"{burst}\x1f{joint_version(questions)}".encode()).hexdigest()
    return RequestId(digest[:24])


def lean(questions: Sequence[Question], decisions: Sequence[Decision]) -> Leaning:
    """Walk the questions in order: the first one surely negative means silence, all surely answered means acting.

    A question without a decision counts as unsure.
    """
    sure = {decision.question: decision.sure for decision in decisions}
    answers: dict[QuestionId, OptionId] = {}
    for place, question in enumerate(questions):
        if not question.applies(answers):
            continue
        answer = sure.get(question.id)
        if answer is None:
            return Leaning(route=Route.ASK, reason=f"unsure: {question.id}")
        answers[question.id] = answer
        if place == 0 and answer != question.positive:
            return Leaning(route=Route.PASS, reason=f"sure: {question.id} is {answer}")
    said = ", ".join(f"{question} is {answer}" for question, answer in answers.items())
    return Leaning(route=Route.ACT, reason=f"sure: {said}")


def route(
    burst: Burst,
    questions: Sequence[Question],
    decisions: Sequence[Decision],
    ask: AskSettings,
    *,
    budget_left: int,
    now: datetime,
) -> tuple[Routing, Request | None]:
    """Give a burst its route, and the request that goes with it.

    An audited burst is always requested, blind, outside the budget, and routed like any other. Any other unsure burst
    is requested while the day's budget lasts, and passed in silence afterwards.
    """
    leaning = lean(questions, decisions)
    audit = audited(burst.room, burst.started_at, ask)
    asked = leaning.route is Route.ASK and (audit or budget_left > 0)
    if leaning.route is Route.ASK and not asked:
        leaning = Leaning(route=Route.PASS, reason=f"{OVER_BUDGET}; {leaning.reason}")
    probability = ask.audit_share if audit else 1.0
    routing = Routing(burst=burst.id, route=leaning.route, reason=leaning.reason, audit=audit, probability=probability)
    if not (audit or asked):
        return routing, None
    request = Request(
        id=request_id(burst.id, questions),
        burst=burst.id,
        strategy=AUDIT if audit else MARGIN,
        probability=probability,
        blind=audit,
        state=RequestState.PENDING,
        created_at=now,
    )
    return routing, request

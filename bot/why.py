"""Why the bot did what it did about a burst: what was decided, how surely, by which model, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.manners import Hold
from bot.phrases import Sentences
from models.decision import Decision, Routing
from models.feedback import Subject
from models.ids import BurstId, EventId, MemberId, RoomId
from models.question import Question
from models.store import decisions, feedback, replies
from models.store.database import Database

HELD = "held back: "
"""How the state of a reply begins that was not given; a ``Hold`` follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """All that the store knows about one burst; ``decided`` may hold older models' decisions too, oldest first."""

    decided: Sequence[Decision]
    routing: Routing | None
    reply: str | None
    """The state of the reply, if one was to be given."""


def account(db: Database, burst: BurstId) -> Account:
    """Gather it; run in the store's thread."""
    return Account(
        decided=decisions.decisions_of(db, burst),
        routing=decisions.routing_of(db, burst),
        reply=replies.state_of(db, burst),
    )


def meant(db: Database, room: RoomId, member: MemberId, answered: EventId | None) -> Subject | None:
    """What a member asks about: the message that the order answers, else their last burst or the bot's last reply.

    Of the latter two the newer one. Run in the store's thread.
    """
    if answered is not None:
        return feedback.subject(db, room, answered)
    found = [feedback.last_burst(db, room, member), feedback.last_reply(db, room)]
    return max((one for one in found if one is not None), key=lambda one: one.at, default=None)


def explain(known: Account, questions: Sequence[Question], say: Sentences) -> str:
    """Say it in one language."""
    if known.routing is None:
        return say.why_nothing
    lines: list[str] = []
    newest = {decision.question: decision for decision in known.decided}
    for revision in dict.fromkeys(decision.revision for decision in newest.values()):
        lines.append(say.why_model.format(revision=revision))
        lines += [_line(d, questions, say) for d in newest.values() if d.revision == revision]
    route = say.routes[known.routing.route]
    lines.append(say.why_route.format(route=route, reason=known.routing.reason) if newest else say.why_failed)
    return "\n".join([*lines, *_outcome(known.reply, say)])


def _line(decision: Decision, questions: Sequence[Question], say: Sentences) -> str:
    asked = next((question for question in questions if question.id == decision.question), None)
    wordings = {} if asked is None else {option.id: option.wording for option in asked.options}
    return say.why_decision.format(
        question=decision.question if asked is None else asked.text,
        option=wordings.get(decision.best, decision.best),
        percent=round(100 * decision.probabilities[decision.best]),
        sure=say.why_unsure if decision.sure is None else say.why_sure,
    )


def _outcome(reply: str | None, say: Sentences) -> list[str]:
    if reply is None:
        return []
    if reply in ("sent", "sending"):
        return [say.replied]
    if reply == feedback.RECALLED:
        return [say.recalled]
    held = next((hold for hold in Hold if reply == HELD + hold.value), None)
    if held is not None:
        return [say.held.format(reason=say.holds[held])]
    return [say.not_replied.format(reason=reply)]

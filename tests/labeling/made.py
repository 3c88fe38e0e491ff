"""Small records for the tests of labeling."""

from datetime import UTC, datetime

from labeling.form import Form, Suggestion
from models.chat import Burst, WindowMessage
from models.decision import Decision
from models.ids import BurstId, EventId, MemberId, OptionId, QuestionId, RequestId, Revision, RoomId
from models.labels import Request, RequestState, Response, ResponseStatus
from models.question import Option, Question

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
OPTIONS = tuple(Option(id=OptionId(o), wording=o) for o in ("yes", "no", "unsure"))

Two = tuple[Question, Question]


def question(name: str, guidelines: str = "", **after: str) -> Question:
    return Question(
        id=QuestionId(name),
        text=f"{name}?",
        definition=f"{name}: is it so?",
        options=OPTIONS,
        positive=OptionId("yes"),
        abstain=OptionId("unsure"),
        after={QuestionId(q): OptionId(o) for q, o in after.items()},
        guidelines=guidelines,
    )


def burst(text: str, *window: tuple[str, str], name: str = "b1") -> Burst:
    return Burst(
        id=BurstId(name),
        room=RoomId("#ubuntu"),
        sender=MemberId("alice@example.org"),
        text=text,
        window=tuple(WindowMessage(sender=sender, text=said) for sender, said in window),
        started_at=NOON,
        ended_at=NOON,
        message_ids=(EventId(f"m-{name}"),),
    )


def request(name: str = "r1", *, of: str = "b1", blind: bool = False) -> Request:
    return Request(
        id=RequestId(name),
        burst=BurstId(of),
        strategy="audit" if blind else "margin",
        probability=1.0,
        blind=blind,
        state=RequestState.PENDING,
        created_at=NOON,
    )


def decision(
    asked: Question, yes: float, version: str | None = None, revision: str = "aaaaaaaaaaaa", of: str = "b1"
) -> Decision:
    return Decision(
        burst=BurstId(of),
        question=asked.id,
        question_version=version or asked.version,
        probabilities={OptionId("yes"): yes, OptionId("no"): 1.0 - yes, OptionId("unsure"): 0.0},
        margin=abs(2 * yes - 1),
        sure=None,
        revision=Revision(revision),
        milliseconds=1.0,
        decided_at=NOON,
    )


def response(
    who: str, to: str = "r1", status: str = "submitted", rewrite: str | None = None, **answers: str
) -> Response:
    return Response(
        request=RequestId(to),
        annotator=who,
        answers={QuestionId(q): OptionId(o) for q, o in answers.items()},
        status=ResponseStatus(status),
        submitted_at=NOON,
        rewrite=rewrite,
    )


def form(number: int, text: str = "how do I mount a disk?", room: str = "room-1", **suggested: str) -> Form:
    return Form(
        request=RequestId(f"r{number}"),
        room=room,
        window=(WindowMessage(sender="Otter", text="hello"), WindowMessage(sender="Heron", text="你好 世界")),
        speaker="Heron",
        text=f"{text} ({number})",
        suggestions={
            QuestionId(q): Suggestion(option=OptionId(o), score=0.25 * (number % 4), agent="quandary-abc123")
            for q, o in suggested.items()
        },
    )


def wordings(guidelines: str) -> Two:
    return question("is_question", guidelines), question("needs_context", guidelines, is_question="yes")

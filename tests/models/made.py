"""Small records for the tests of models."""

from datetime import UTC, datetime, timedelta

from models.chat import Burst, ChatEvent, WindowMessage, burst_id
from models.selection import LabelScore, SelectionRun, Why

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
RUN = SelectionRun(
    dataset="d0",
    method="learnability",
    share=0.5,
    balance="even",
    drop_near_duplicates=True,
    rung="starter-l",
    notes=("is_question: IFD carries nothing", "needs_context: so here"),
    picture=None,
    chosen_at=NOON,
)
SCORE = LabelScore(
    burst="a",
    question="is_question",
    question_version="v",
    given="yes",
    base_loss=1.0,
    reference_loss=0.5,
    learnability=0.5,
    ifd=0.9,
    margin=0.3,
    why=Why.KEPT,
)


def event(number: int, text: str = "hello", sender: str = "u1", **more: object) -> ChatEvent:
    return ChatEvent(
        id=f"t:r:{number}",
        platform="t",
        room="r",
        sender=sender,
        text=text,
        sent_at=NOON + timedelta(seconds=number),
        cursor=str(number),
        **more,
    )


def burst(*numbers: int, window: tuple[WindowMessage, ...] = ()) -> Burst:
    ids = tuple(f"t:r:{n}" for n in numbers)
    return Burst(
        id=burst_id("r", None, ids[0]),
        room="r",
        sender="u1",
        text="hello",
        window=window,
        message_ids=ids,
        started_at=NOON + timedelta(seconds=numbers[0]),
        ended_at=NOON + timedelta(seconds=numbers[-1]),
    )

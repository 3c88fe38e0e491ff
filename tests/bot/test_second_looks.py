from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.second_looks import send_proposed
from models.chat import Burst
from models.consent import Modes
from models.ids import BurstId, CandidateId, DatasetId, MemberId, OptionId, RoomId
from models.labels import Label
from models.settings import MannersSettings, Rooms, RoomTable
from models.step import Move, Step
from models.store import bursts, labels, requests, steps, suspects
from models.suspects import Weighed

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
MODES = Modes(Rooms(MannersSettings(), (RoomTable(id="*", mode="train"),)))


def weigh(db, question):
    """Six labelled bursts, two of them suspect, and a candidate."""
    weighed = []
    for number in range(6):
        name = BurstId(f"b{number}")
        said = Burst(
            id=name, room=RoomId("r"), sender=MemberId("a"), text="how?", window=(), started_at=NOW, ended_at=NOW
        )
        bursts.close(db, [said])
        no = OptionId("no")
        label = Label(
            burst=name, question=question.id, question_version=question.version, option=no, responses=1, labelled_at=NOW
        )
        labels.put(db, [label])
        weighed.append(
            Weighed(
                burst=name,
                question=question.id,
                question_version=question.version,
                given=no,
                suspected=OptionId("yes"),
                suspicion=0.9 if number < 2 else 0.1,
            )
        )
    suspects.replace(db, DatasetId("d"), weighed, NOW)
    db.table("candidates").insert({"id": "c", "created_at": 1.0})


async def test_second_looks_go_out_by_themselves_where_the_gate_proposes_them(settings, store):
    question = settings.questions[0]
    await store.do(weigh, question)
    ask = settings.ask.model_copy(update={"daily_budget": 40, "review_share": 0.1})
    settings = settings.model_copy(update={"ask": ask})
    assert await store.do(send_proposed, settings, MODES, NOW) is None
    step = Step(move=Move.LABEL, question=None, count=9, reason="few")
    await store.do(steps.put, CandidateId("c"), step, NOW)
    assert await store.do(send_proposed, settings, MODES, NOW) is None
    await store.do(steps.put, CandidateId("c"), replace(step, move=Move.SUSPECTS, question=question.id, count=2), NOW)
    by_hand = settings.model_copy(update={"ask": ask.model_copy(update={"send_suspects": False})})
    assert await store.do(send_proposed, by_hand, MODES, NOW) is None
    sent = await store.do(send_proposed, settings, MODES, NOW)
    assert (sent.suspects, sent.controls) == (2, 2)
    assert await store.do(requests.count) == {"pending": 4}
    assert await store.do(send_proposed, settings, MODES, NOW) is None, "the day's share is spent"
    later = await store.do(send_proposed, settings, MODES, NOW + timedelta(days=1))
    assert (later.suspects, later.controls) == (0, 0), "nobody is asked twice"

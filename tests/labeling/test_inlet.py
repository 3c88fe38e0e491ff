from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from labeling.answers import Pulled
from labeling.inlet import Inlet, Taken
from models.errors import LabelingError
from models.ids import BurstId, QuestionId
from models.labels import RequestState, Response, request_id
from models.question import versions
from models.store import bursts, labels, requests, responses
from models.store.thread import Store
from tests.labeling.made import NOON, Two, burst, question, request
from tests.labeling.made import response as response_to

ASKED = question("is_question"), question("needs_context", is_question="yes")
R1 = request_id(BurstId("b1"), ASKED)


def response(who: str, to: str = R1, status: str = "submitted", rewrite: str | None = None, **answers: str) -> Response:
    return response_to(who, to, status, rewrite, **answers)


class Answers:
    """Stands for Argilla: gives what the test puts in ``now``."""

    def __init__(self) -> None:
        self.now: list[Response] = []
        self.seen: list[str | None] = []
        self.down = False

    async def pull(self, activity: str | None = None) -> Pulled:
        self.seen.append(activity)
        if self.down:
            raise LabelingError("Argilla cannot be reached")
        return Pulled(responses=tuple(self.now), activity=f"a{len(self.seen)}")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with Store(tmp_path) as opened:
        await opened.do(bursts.close, [burst("how?")])
        await opened.do(requests.insert_request, request(R1, blind=True))
        await opened.do(requests.set_state, [R1], RequestState.SENT)
        yield opened


@pytest.fixture
def answers() -> Answers:
    return Answers()


async def state(store: Store) -> RequestState:
    known = await store.do(requests.get, R1)
    assert known is not None
    return known.state


async def counts(store: Store, questions: Two) -> list[int]:
    found = await store.do(labels.count, versions(questions))
    return [found[QuestionId("is_question")], found[QuestionId("needs_context")]]


async def test_a_response_becomes_labels_once(store: Store, answers: Answers, questions: Two) -> None:
    inlet = Inlet(store, answers, questions, clock=lambda: NOON)
    answers.now = [response("ann", is_question="yes", needs_context="no", rewrite="How do I mail joe@example.org?")]
    taken = await inlet.pull()
    assert taken.changed == (R1,)
    assert [(made.question, made.option, made.audit) for made in taken.labels] == [
        ("is_question", "yes", True),
        ("needs_context", "no", True),
    ]
    assert await inlet.pull() == Taken(changed=(), labels=())
    assert answers.seen == [None, "a1"]
    assert await state(store) is RequestState.ANSWERED
    assert await counts(store, questions) == [1, 1]
    assert [r.rewrite for r in await store.do(responses.every)] == ["How do I mail [e-mail]?"]


async def test_a_changed_mind_takes_back_what_it_no_longer_bears_out(
    store: Store, answers: Answers, questions: Two
) -> None:
    inlet = Inlet(store, answers, questions)
    answers.now = [response("ann", is_question="yes", needs_context="no")]
    await inlet.pull()
    answers.now = [response("ann", is_question="no", needs_context="no")]
    taken = await inlet.pull()
    assert {made.question: made.option for made in taken.labels} == {"is_question": "no", "needs_context": None}
    assert await counts(store, questions) == [1, 0]
    answers.now = [response("ann", status="discarded")]
    await inlet.pull()
    assert await counts(store, questions) == [0, 0]


async def test_unknown_and_withdrawn_requests_are_left_out(store: Store, answers: Answers, questions: Two) -> None:
    await store.do(requests.set_state, [R1], RequestState.WITHDRAWN)
    answers.now = [response("ann", is_question="yes"), response("ann", to="unknown", is_question="yes")]
    assert await Inlet(store, answers, questions).pull() == Taken(changed=(), labels=())
    assert await store.do(responses.every) == []


async def test_answers_to_an_edited_text_are_left_out_and_early_ones_fetched_again(
    store: Store, answers: Answers, questions: Two
) -> None:
    inlet = Inlet(store, answers, questions)
    answers.now = [response("ann", is_question="no")]
    await store.do(requests.set_state, [R1], RequestState.AMENDED)
    assert await inlet.pull() == Taken(changed=(), labels=())
    await store.do(requests.set_state, [R1], RequestState.PENDING)
    assert (await inlet.pull()).early
    await store.do(requests.set_state, [R1], RequestState.SENT)
    assert (await inlet.pull()).changed == (R1,)
    assert answers.seen == [None, "a1", "a1"]


async def test_what_was_not_stored_is_fetched_again(
    store: Store, answers: Answers, questions: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    inlet = Inlet(store, answers, questions)
    answers.now = [response("ann", is_question="yes")]

    def full(*_: object) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(labels, "put", full)
        with pytest.raises(OSError, match="disk full"):
            await inlet.pull()
    assert await store.do(responses.to, R1) == []  # all of it or nothing
    assert len((await inlet.pull()).labels) == 1
    assert answers.seen == [None, None]
    answers.down = True
    with pytest.raises(LabelingError):
        await inlet.pull()


async def test_it_finds_the_burst_of_the_request(store: Store, answers: Answers, questions: Two) -> None:
    answers.now = [response("ann", is_question="no")]
    taken = await Inlet(store, answers, questions).pull()
    assert [made.burst for made in taken.labels] == [BurstId("b1")]

"""What was answered in earlier words before its record was taken back."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.rewording import ask_anew
from labeling.answers import Late
from labeling.guidelines import guideline_version
from labeling.outbox import Outbox
from models.ids import BurstId
from models.labels import RequestState, request_id
from models.question import joint_version, versions
from models.store import bursts, inbox, labels, queues, requests, responses, revision, standing
from models.store.queues import Words
from models.store.thread import Store
from tests.labeling.flaky import Clock, FlakyQueue, said
from tests.labeling.made import NOON, burst, question, request, response

BEFORE = question("is_question"), question("needs_context", is_question="yes")
NOW = replace(BEFORE[0], text="Does it ask for anything?"), BEFORE[1]
WORDS = Words(questions=BEFORE, guideline=guideline_version(BEFORE))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """Three requests that were sent in the old words; the questions have others by now."""
    async with Store(tmp_path) as opened:
        await opened.do(queues.note, WORDS, NOON)
        for number in range(3):
            name = BurstId(f"b{number}")
            await opened.do(bursts.close, [burst("how?", name=name)])
            asked = replace(request(request_id(name, BEFORE), of=name), state=RequestState.SENT)
            await opened.do(requests.insert_request, asked)
        assert await opened.do(ask_anew, NOW) == 3
        yield opened


def old(number: int) -> str:
    return request_id(BurstId(f"b{number}"), BEFORE)


def late(number: int, queue: str | None = None, **answers: str) -> Late:
    return Late(queue=queue or joint_version(BEFORE), response=response("ann", to=old(number), **answers))


async def test_words_of_queues_are_read_as_they_were_noted(store: Store) -> None:
    await store.do(queues.note, Words(questions=BEFORE, guideline="other"), NOON)
    assert await store.do(queues.every) == {joint_version(BEFORE): WORDS}


async def test_answers_in_the_old_words_become_stale_labels_before_their_records_go(store: Store) -> None:
    queue = FlakyQueue()
    queue.late = [late(0, is_question="yes", needs_context="no"), late(1, is_question="no", needs_context="yes")]
    clock = Clock()
    outbox = Outbox(store, queue, NOW, alias_key=b"key", clock=clock)
    queue.down = True
    assert await outbox.flush() == 0
    assert queue.withdrawn == [], "no record goes before its answers are here"
    queue.down = False
    clock.now += timedelta(hours=1)
    assert await outbox.flush() == 3
    assert {old(n) for n in range(3)} <= set(queue.withdrawn)
    assert set(queue.records) == {request_id(BurstId(f"b{n}"), NOW) for n in range(3)}
    found = [(label.question, label.option) for label in await store.do(labels.about, BurstId("b0"))]
    assert found == [("is_question", "yes"), ("needs_context", "no")]
    [label] = await store.do(labels.about, BurstId("b1"))
    assert (label.option, label.question_version, label.annotators) == ("no", BEFORE[0].version, ("ann",))
    assert label.guideline == WORDS.guideline
    assert [one.burst for one in await store.do(standing.stale, versions(NOW))] == ["b0", "b1"]
    assert await store.do(requests.awaited) == []
    assert len(await store.do(requests.in_state, RequestState.SENT)) == 3, "nobody is asked further in the old words"


async def test_an_edit_takes_late_answers_their_meaning(store: Store) -> None:
    await store.do(inbox.append, [said])
    await store.do(bursts.close, [burst("how?", name="b1")])
    await store.do(revision.revise, said.id, "what else?", None, NOON)
    queue = FlakyQueue()
    queue.late = [late(1, is_question="yes"), late(0, queue="deadbeef", is_question="yes")]
    await Outbox(store, queue, NOW, alias_key=b"key", clock=lambda: NOON).flush()
    assert await store.do(responses.every) == [], "the words of the other queue are not known"
    assert {old(n) for n in range(3)} <= set(queue.withdrawn)

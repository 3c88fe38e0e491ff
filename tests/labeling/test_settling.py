"""Second records in the store: what calls for them, and what comes of their answers."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from labeling.guidelines import guideline_version
from labeling.inlet import Taken, absorb
from labeling.second import ask_to_review
from models.chat import ChatEvent
from models.ids import BurstId, EventId, MemberId, RequestId, RoomId
from models.labels import Purpose, request_id
from models.question import versions
from models.store import bursts, erasure, inbox, labels, requests, responses
from models.store.database import Database
from models.store.revision import revise
from models.store.thread import Store
from tests.labeling.made import NOON, burst, question, request, response

ASKED = question("is_question"), question("needs_context", is_question="yes")
B1 = BurstId("b1")
FIRST = request_id(B1, ASKED)
REVIEW, AGAIN = (request_id(B1, ASKED, Purpose.REVIEW, number) for number in (0, 1))
DECIDE = request_id(B1, ASKED, Purpose.ADJUDICATE)
OTHER = request_id(B1, ASKED, Purpose.OVERLAP)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with Store(tmp_path) as opened:
        await opened.do(bursts.close, [burst("how?", ("bob", "hi"))])
        await opened.do(requests.insert_request, replace(request(FIRST), strategy="margin", probability=0.25))
        await opened.do(_send)
        yield opened


def inbox_event() -> ChatEvent:
    return ChatEvent(
        id=EventId("m-b1"),
        platform="t",
        room=RoomId("#ubuntu"),
        sender=MemberId("alice@example.org"),
        text="how?",
        sent_at=NOON,
    )


def _send(db: Database) -> None:
    for due in requests.due(db, NOON + timedelta(days=9), 100):
        requests.mark_sent(db, [due.id])


_later = 0


async def say(store: Store, who: str, to: RequestId = FIRST, **answers: str) -> dict[str, str | None]:
    """Answer, a moment after the last answer; a discard where nothing is answered. Returns the labels written."""
    global _later  # noqa: PLW0603 - a clock for the whole file
    _later += 1
    status = "submitted" if answers else "discarded"
    said = replace(response(who, to, status, **answers), submitted_at=NOON + timedelta(seconds=_later))
    taken: Taken = await store.do(absorb, [said], ASKED, NOON)
    await store.do(_send)
    return {label.question: label.option for label in taken.labels}


async def states(store: Store) -> dict[RequestId, str]:
    return {r.id: r.state.value for r in await store.do(requests.about, B1)}


def test_ids_of_first_requests_stay_as_they_were_and_second_ones_differ_by_purpose_and_round() -> None:
    assert request_id(B1, ASKED) == request_id(B1, ASKED, Purpose.RENEW) == FIRST
    assert FIRST == "07c48c904231668179540f3e"
    assert len({FIRST, REVIEW, AGAIN, DECIDE, OTHER}) == 5


async def test_a_review_by_somebody_else_is_a_further_voice_and_a_tie_goes_to_adjudication(store: Store) -> None:
    assert await say(store, "ann", is_question="yes", needs_context="no") == {
        "is_question": "yes",
        "needs_context": "no",
    }
    assert await store.do(ask_to_review, [B1, B1, BurstId("unknown")], ASKED, NOON) == {B1: REVIEW}
    assert await store.do(ask_to_review, [B1], ASKED, NOON) == {}  # it waits already
    made = await store.do(requests.get, REVIEW)
    assert made is not None
    assert (made.purpose, made.strategy, made.probability, made.unswayed) == (Purpose.REVIEW, "margin", 0.25, True)
    await store.do(_send)
    assert await say(store, "bea", REVIEW, is_question="no") == {"is_question": None, "needs_context": None}
    assert await states(store) == {FIRST: "answered", REVIEW: "answered", DECIDE: "sent"}
    assert await say(store, "cay", DECIDE, is_question="yes", needs_context="yes") == {
        "is_question": "yes",
        "needs_context": "yes",
    }
    assert set((await states(store)).values()) == {"answered"}


async def test_who_looks_again_and_answers_otherwise_has_changed_their_mind(store: Store) -> None:
    await say(store, "ann", is_question="yes", needs_context="no")
    await store.do(ask_to_review, [B1], ASKED, NOON)
    await store.do(_send)
    assert await say(store, "ann", REVIEW, is_question="no") == {"is_question": "no", "needs_context": None}
    assert await store.do(ask_to_review, [B1], ASKED, NOON) == {B1: AGAIN}  # a second round
    await store.do(_send)
    assert await say(store, "ann", AGAIN) == {"is_question": None}  # cannot be judged after all
    assert DECIDE not in await states(store)  # nobody disagrees


async def test_a_tie_that_dissolves_needs_no_adjudication_and_one_that_is_decided_stays_so(store: Store) -> None:
    await say(store, "ann", is_question="yes")
    await say(store, "bea", is_question="no")
    assert (await states(store))[DECIDE] == "sent"
    assert await say(store, "bea", is_question="yes") == {"is_question": "yes"}
    assert (await states(store))[DECIDE] == "withdrawn"
    await say(store, "bea", is_question="no")
    once_more = request_id(B1, ASKED, Purpose.ADJUDICATE, 1)
    assert (await states(store))[once_more] == "sent"
    await say(store, "cay", once_more, is_question="no")
    assert await say(store, "dan", is_question="yes") == {"is_question": "yes"}  # more voices outweigh: two to one
    assert (await states(store))[once_more] == "answered"


async def test_a_further_person_is_asked_while_too_few_have_answered(store: Store) -> None:
    await store.do(lambda db: db.conn.execute("UPDATE requests SET overlap = 2") and None)
    assert await say(store, "ann", is_question="yes") == {}
    assert await states(store) == {FIRST: "answered", OTHER: "sent"}
    assert await say(store, "ann", is_question="no") == {}  # the same person twice is one voice
    assert await say(store, "bea", OTHER) == {}  # a discard is none
    assert (await states(store))[OTHER] == "sent"
    assert await say(store, "cay", OTHER, is_question="no") == {"is_question": "no"}
    assert set((await states(store)).values()) == {"answered"}


async def test_an_edit_voids_all_answers_and_asks_the_first_request_alone_anew(store: Store) -> None:
    said = inbox_event()
    await store.do(inbox.append, [said])
    await store.do(lambda db: db.conn.execute("UPDATE events SET burst = 'b1', handled = 1") and None)
    await say(store, "ann", is_question="yes")
    await say(store, "bea", is_question="no")
    await store.do(ask_to_review, [B1], ASKED, NOON)
    await store.do(revise, said.id, "what?", FIRST, NOON)
    assert await states(store) == {FIRST: "amended", DECIDE: "withdrawn", REVIEW: "withdrawn"}
    await store.do(requests.renew, [FIRST])
    await store.do(_send)
    await say(store, "ann", is_question="yes")
    await say(store, "bea", is_question="no")
    assert (await states(store))[request_id(B1, ASKED, Purpose.ADJUDICATE, 1)] == "sent"


async def test_what_is_erased_takes_all_requests_back_and_is_asked_about_no_more(store: Store) -> None:
    said = inbox_event()
    await store.do(inbox.append, [said])
    await store.do(lambda db: db.conn.execute("UPDATE events SET burst = 'b1', handled = 1") and None)
    await say(store, "ann", is_question="yes")
    await store.do(ask_to_review, [B1], ASKED, NOON)
    await store.do(erasure.redact, said.id, RoomId("#ubuntu"), NOON, FIRST)
    assert await states(store) == {FIRST: "withdrawn", REVIEW: "withdrawn"}
    assert await store.do(ask_to_review, [B1], ASKED, NOON) == {}
    assert await store.do(responses.about, B1) == []


async def test_labels_keep_who_and_under_which_words_and_guidelines(store: Store) -> None:
    await say(store, "ann", is_question="yes", needs_context="no")
    (first, second) = await store.do(labels.about, B1)
    assert (first.annotators, first.question_version, first.source) == (("ann",), ASKED[0].version, None)
    assert first.guideline == second.guideline == guideline_version(ASKED)
    (kept,) = await store.do(responses.about, B1)
    assert (kept.versions, kept.guideline) == (versions(ASKED), guideline_version(ASKED))


async def test_an_answer_in_other_words_counts_where_the_words_are_the_same(store: Store) -> None:
    await say(store, "ann", is_question="yes", needs_context="no")
    now = ASKED[0], replace(ASKED[1], text="Is the chat needed?")
    anew = request_id(B1, now)
    await store.do(requests.insert_request, replace(request(anew), purpose=Purpose.RENEW))
    await store.do(_send)
    said = replace(response("bea", anew, is_question="yes", needs_context="yes"), submitted_at=NOON + timedelta(days=1))
    taken: Taken = await store.do(absorb, [said], now, NOON)
    assert {made.question: (made.option, made.annotators) for made in taken.labels} == {
        "is_question": ("yes", ("ann", "bea")),
        "needs_context": ("yes", ("bea",)),
    }
    assert len(await store.do(labels.about, B1)) == 3  # the old answer to the old words stays


async def test_unsure_is_kept_as_an_answer_but_is_no_label_where_the_question_says_so(store: Store) -> None:
    asked = replace(ASKED[0], label_abstain=False), ASKED[1]
    said = [response(who, FIRST, is_question="unsure") for who in ("ann", "bea")]
    taken: Taken = await store.do(absorb, said, asked, NOON)
    assert taken.labels == ()
    assert [r.answers for r in await store.do(responses.about, B1)] == [{"is_question": "unsure"}] * 2
    assert (await states(store)) == {FIRST: "answered"}  # nothing is tied

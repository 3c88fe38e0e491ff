"""What members edit and delete, through the whole live flow: bursts, decisions, requests and answers follow."""

from datetime import UTC, datetime

import pytest
from bot_fakes import FakeDecider, said
from live_flow import ids, run

from models.chat import EventKind
from models.labels import Label, RequestState, Response, ResponseStatus
from models.settings import AskSettings
from models.store import bursts, decisions, inbox, labels, requests, responses

pytestmark = pytest.mark.usefixtures("any_model")


async def test_edits_and_deletions(settings, store):
    events = [
        said(1, "a", 0, "first"),
        said(2, "b", 1, "second"),
        said(3, "b", 2, "secnod, edited", kind=EventKind.EDIT, target=2),
        said(4, "c", 3, "taken back while open"),
        said(5, "c", 4, "", kind=EventKind.DELETE, target=4),
        said(6, "d", 90, "later"),
        said(7, "a", 91, "first, edited late", kind=EventKind.EDIT, target=1),
        said(8, "d", 92, "", kind=EventKind.DELETE, target=99),
    ]
    await run(settings, store, events)
    texts = [(await store.do(bursts.get, i)).text for i in await ids(store)]
    assert texts == ["first, edited late", "secnod, edited", "later"]
    assert await store.do(inbox.unhandled) == []
    first = (await ids(store))[0]
    newest = (await store.do(decisions.decisions_of, first))[-1]
    [expected] = FakeDecider(settings.questions).decide([await store.do(bursts.get, first)])
    assert newest.probabilities == expected[1].probabilities


async def test_a_deleted_burst_is_withdrawn_with_its_request(settings, store):
    settings = settings.model_copy(update={"ask": AskSettings(audit_share=1.0, paced=False, skip_alike=False)})
    await run(settings, store, [said(1, "a", 0, "ask me"), said(2, "b", 50)])
    await run(settings, store, [said(3, "a", 60, "", kind=EventKind.DELETE, target=1)])
    assert await store.do(bursts.count) == {"routed": 1, "withdrawn": 1}
    # The other one had it in its window: what was sent of that, if anything, is taken back before it goes out anew.
    assert await store.do(requests.count) == {"amended": 1, "withdrawn": 1}


@pytest.mark.parametrize("state", [RequestState.SENT, RequestState.ANSWERED])
async def test_an_edit_or_a_deletion_voids_what_people_said(settings, store, state):
    settings = settings.model_copy(update={"ask": AskSettings(audit_share=1.0, paced=False, skip_alike=False)})
    await run(settings, store, [said(1, "a", 0, "ask me")])
    [request] = await store.do(requests.in_state, RequestState.PENDING)
    made = Label(
        burst=request.burst, question="is_question", question_version="v", option="yes", responses=1,
        labelled_at=datetime.now(UTC),
    )  # fmt: skip
    given = Response(
        request=request.id, annotator="ann", answers={"is_question": "yes"}, status=ResponseStatus.SUBMITTED,
        submitted_at=datetime.now(UTC),
    )  # fmt: skip
    for number, (kind, text, expected) in enumerate(
        [
            (EventKind.EDIT, "ask me not", RequestState.AMENDED),
            (EventKind.DELETE, "", RequestState.WITHDRAWN),
            (EventKind.EDIT, "ask me after all", RequestState.AMENDED),
        ]
    ):
        await store.do(requests.set_state, [request.id], state)
        await store.do(labels.put, [made])
        await store.do(responses.put, [given])
        await run(settings, store, [said(2 + number, "a", 60 + number, text, kind=kind, target=1)])
        assert (await store.do(requests.get, request.id)).state is expected
        assert await store.do(labels.labelled_bursts) == 0
        assert await store.do(responses.every) == []
    assert await store.do(bursts.count) == {"routed": 1}


async def test_nobody_edits_what_others_said(settings, store):
    events = [
        said(1, "a", 0, "mine"),
        said(2, "b", 1, "not yours", kind=EventKind.EDIT, target=1),
        said(3, "a", 90, "later"),
        said(4, "b", 91, "nor late", kind=EventKind.EDIT, target=1),
    ]
    await run(settings, store, events)
    assert [(await store.do(bursts.get, i)).text for i in await ids(store)] == ["mine", "later"]


async def test_deleting_a_message_or_its_edit_takes_both_texts_along(settings, store):
    for begin, target in ((0, 1), (10, 12)):
        events = [
            said(begin + 1, "a", begin, "first"),
            said(begin + 2, "a", begin + 1, "second", kind=EventKind.EDIT, target=begin + 1),
            said(begin + 3, "a", begin + 2, "", kind=EventKind.DELETE, target=begin + target % 10),
        ]
        await run(settings, store, events)
    assert await store.do(lambda db: [row["text"] for row in db.query("SELECT text FROM events")]) == [""] * 6


async def test_text_that_comes_back_is_asked_about_again(settings, store):
    settings = settings.model_copy(update={"ask": AskSettings(audit_share=1.0, paced=False, skip_alike=False)})
    await run(settings, store, [said(1, "a", 0, "ask me")])
    await run(settings, store, [said(2, "a", 60, "", kind=EventKind.DELETE, target=1)])
    assert await store.do(requests.count) == {"withdrawn": 1}
    await run(settings, store, [said(3, "a", 61, "ask me again", kind=EventKind.EDIT, target=1)])
    assert await store.do(requests.count) == {"amended": 1}

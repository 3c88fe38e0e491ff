from dataclasses import replace
from datetime import UTC, datetime

from bot.rewording import ask_anew
from models.labels import Request, RequestState, request_id
from models.store import requests

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


def asked(burst, questions, state, **more):
    fields = {"strategy": "audit", "probability": 0.25, "blind": True, "created_at": NOW}
    return Request(id=request_id(burst, questions), burst=burst, state=state, **{**fields, **more})


async def test_open_requests_are_asked_anew_in_the_present_words(settings, store):
    now = settings.questions
    before = (replace(now[0], text="Does it ask?"), *now[1:])
    sent = asked("b1", before, RequestState.SENT, attempts=3)
    kept = [asked("b2", before, RequestState.ANSWERED), asked("b3", now, RequestState.SENT)]
    for request in (sent, *kept):
        await store.do(requests.insert_request, request)
    assert await store.do(ask_anew, now) == 1
    assert await store.do(ask_anew, now) == 0
    assert (await store.do(requests.get, sent.id)).state is RequestState.WITHDRAWN
    assert await store.do(requests.in_state, RequestState.PENDING) == [asked("b1", now, RequestState.PENDING)]
    assert [await store.do(requests.get, request.id) for request in kept] == kept
    assert await store.do(ask_anew, before) == 2  # the old words are back
    assert (await store.do(requests.get, sent.id)).state is RequestState.AMENDED
    assert [r.burst for r in await store.do(requests.in_state, RequestState.PENDING)] == ["b3"]

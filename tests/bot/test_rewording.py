import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.rewording import RewordedError, ask_anew, watch_words
from bot.up import Bot
from models.labels import Request, RequestState, request_id
from models.settings.wordings import write_adopted
from models.store import requests
from models.wording import Adopted, wording_of

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


async def test_an_adopted_wording_has_the_bot_begin_anew_and_a_damaged_config_does_not(house):
    path, settings = house
    settings.data_dir.mkdir()
    question = settings.questions[0]
    words = replace(wording_of(question), text="Does it ask?")
    adopted = Adopted(question=question.id, wording=words, over=question.version, by="ann", at=NOW)
    watching = asyncio.create_task(watch_words(settings, path, 0.01))
    await asyncio.sleep(0.05)
    good = path.read_text()
    path.write_text("{")
    write_adopted(settings.data_dir, {question.id: replace(adopted, by="bob")})
    await asyncio.sleep(0.1)
    assert not watching.done()
    path.write_text(good)
    write_adopted(settings.data_dir, {question.id: adopted})
    async with asyncio.timeout(10):
        with pytest.raises(RewordedError):
            await watching


async def test_the_bot_works_on_in_the_words_that_were_adopted(house, monkeypatch):
    path, settings = house
    settings.data_dir.mkdir()
    question = settings.questions[0]
    asked = []

    async def work(self):
        asked.append(self._settings.questions[0].text)
        if len(asked) == 1:
            words = replace(wording_of(question), text="Does it ask?")
            adopted = Adopted(question=question.id, wording=words, over=question.version, by="ann", at=NOW)
            write_adopted(settings.data_dir, {question.id: adopted})
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(asyncio.sleep(60))
                raise RewordedError

    monkeypatch.setattr(Bot, "_work", work)
    told = []
    await Bot(settings, path, told.append).run()
    assert asked == [question.text, "Does it ask?"]
    assert "begins anew" in told[0]

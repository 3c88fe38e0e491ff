"""Every way out of the database, for a burst that is full of what nobody else need see."""

import asyncio
import json
from datetime import timedelta

import structlog

from labeling.exchange import FileForm, written
from labeling.exchange.gather import gather
from labeling.form import fill
from labeling.inlet import absorb
from labeling.outbox import Outbox
from models.chat import Burst
from models.chattext import friendly_names
from models.consent import Mode
from models.ids import BurstId
from models.labels import RequestState, request_id
from models.shareable import shareable
from models.store import bursts, requests, responses
from tests.labeling.made import NOON, Two, burst, decision, request, response
from tests.labeling.unreliable import POISON, InlineStore, UnreliableQueue

SECRETS = ("joe@example.org", "13800138000", "93.184.216.34", "4111 1111 1111 1111", "hunter2", "AKIAIOSFODNN7EXAMPLE")
TELLING = "mail {}, call {}, ip {}, card {}, password={} {}".format(*SECRETS)


def telling(text: str = TELLING) -> Burst:
    return burst(text, ("13800138000", TELLING), ("joe@example.org", "joe@example.org: hm"))


def held(text: str) -> list[str]:
    return [secret for secret in SECRETS if secret in text]


def test_the_burst_itself_holds_them_all() -> None:
    assert held(telling().text) == list(SECRETS)


def test_argillas_fields_and_suggestions(questions: Two) -> None:
    said = telling()
    names = friendly_names(said.sender, [message.sender for message in said.window])
    form = fill(request(), said, [decision(questions[0], 0.6)], questions, room="room-1", names=names, suggest=True)
    assert held(repr(form)) == []
    assert "[e-mail]" in form.text or "P2" in form.text
    assert form.suggestions


def test_datasets_and_exports() -> None:
    out = shareable(telling())
    assert held(repr(out)) == []
    assert "[card]" in out.text
    assert "[card]" in out.window[0].text


def test_files_of_labels_in_each_form(questions: Two) -> None:
    db = InlineStore().db
    bursts.close(db, [telling()])
    asked = request(request_id(BurstId("b1"), questions))
    requests.insert_request(db, asked)
    requests.set_state(db, [asked.id], RequestState.SENT)
    absorb(db, [response("ann", asked.id, is_question="yes", needs_context="no")], questions, NOON)
    db.conn.execute("UPDATE responses SET rewrite = ?", [TELLING])  # as it was kept before rewrites were masked
    rows = gather(db, lambda *_: Mode.TRAIN, b"key")
    for form in FileForm:
        (line, *_) = written(rows, questions, form).lines
        assert held(line) == []
        assert "[card]" in line
        assert "alice" not in line


def test_rewrites_that_come_back(questions: Two) -> None:
    store = InlineStore()
    bursts.close(store.db, [telling()])
    asked = request(request_id(BurstId("b1"), questions))
    requests.insert_request(store.db, asked)
    requests.set_state(store.db, [asked.id], RequestState.SENT)
    given = response("ann", asked.id, rewrite=TELLING, is_question="yes")
    absorb(store.db, [given], questions, NOON)
    (kept,) = responses.every(store.db)
    assert kept.rewrite is not None
    assert "[card]" in kept.rewrite
    assert held(kept.rewrite) == []


def test_what_the_log_says_of_requests_that_fail_in_every_way(questions: Two) -> None:
    store, queue = InlineStore(), UnreliableQueue()
    for number, text in enumerate((TELLING, f"{POISON} {TELLING}")):
        bursts.close(store.db, [burst(text, ("bob", TELLING), name=f"b{number}")])
        requests.insert_request(store.db, request(f"r{number}", of=f"b{number}"))
    now = NOON
    outbox = Outbox(store, queue, questions, alias_key=b"k", clock=lambda: now)
    with structlog.testing.capture_logs() as logged:
        for fault in (queue.DOWN, queue.HALF, queue.ANSWER_LOST, None, None):
            queue.faults = [fault]
            asyncio.run(outbox.flush())
            now += timedelta(hours=1)
        queue.faults = [queue.DOWN]
        asyncio.run(outbox.withdraw([request("r0").id]))
    assert {entry["event"] for entry in logged} >= {
        "requests not sent yet",
        "request refused",
        "requests not withdrawn yet",
    }
    told = json.dumps(logged, default=str)
    assert held(told) == []
    assert "mail" not in told
    assert held(repr(queue.records)) == []

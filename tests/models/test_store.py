import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from models.chat import Burst, WindowMessage
from models.decision import Decision, Route, Routing
from models.errors import StoreError
from models.evidence import Action, Promotion, Slot
from models.labels import Label, Request, RequestState, Response, ResponseStatus
from models.store import bursts, decisions, inbox, labels, promotions, requests, responses
from models.store.database import FILE, open_database, transaction
from models.store.retention import purge
from models.store.thread import Store
from tests.models.made import NOON, burst, event


def request(of: Burst, **more: object) -> Request:
    fields = {
        "strategy": "margin",
        "probability": 1.0,
        "blind": False,
        "state": RequestState.PENDING,
        "created_at": NOON,
    }
    return Request(id="q-" + of.id, burst=of.id, **{**fields, **more})


def routing(of: Burst, route: Route = Route.ASK, audit: bool = False, probability: float = 1.0) -> Routing:
    return Routing(burst=of.id, route=route, reason="unsure", audit=audit, probability=probability)


@pytest.fixture
def db(tmp_path: Path):
    database = open_database(tmp_path)
    yield database
    database.close()


def test_events_are_taken_once_and_the_cursor_moves_with_them(db) -> None:
    assert len(inbox.append(db, [event(1), event(2)])) == 2
    assert [e.id for e in inbox.append(db, [event(2), event(3)])] == ["t:r:3"]
    assert inbox.cursor(db, "t") == "3"
    assert inbox.cursor(db, "other") is None
    assert [e.id for e in inbox.unhandled(db)] == ["t:r:1", "t:r:2", "t:r:3"]


def test_a_failed_change_leaves_nothing_behind(db) -> None:
    def fail_midway() -> None:
        with transaction(db):
            inbox.append(db, [event(1)])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_midway()
    assert inbox.unhandled(db) == []
    assert inbox.cursor(db, "t") is None


@pytest.mark.parametrize("text", ["\ud800 lone", "nul \x00 byte", "x" * 1_000_000, "\u202eright to left", "<|im_end|>"])
def test_any_text_can_be_kept(db, text: str) -> None:
    inbox.append(db, [event(1, text)])
    (kept,) = inbox.unhandled(db)
    assert kept.text == text.replace("\ud800", "\ufffd")


def test_the_window_is_what_came_before_in_the_room(db) -> None:
    inbox.append(db, [event(n, f"m{n}", f"u{n}") for n in range(20)])
    window = inbox.window_before(db, "r", "t:r:15", 12)
    assert [m.text for m in window] == [f"m{n}" for n in range(3, 15)]
    assert inbox.window_before(db, "another", "t:r:15", 12) == ()


def test_closing_a_burst_handles_its_messages_and_happens_once(db) -> None:
    inbox.append(db, [event(1), event(2), event(3, sender="u2")])
    closed = burst(1, 2, window=(WindowMessage(sender="u9", text="before"),))
    bursts.close(db, [closed])
    bursts.close(db, [closed])
    assert [e.id for e in inbox.unhandled(db)] == ["t:r:3"]
    assert bursts.undecided(db) == [closed]
    assert bursts.count(db) == {"closed": 1}


def test_a_decision_its_route_and_its_request_are_one_change(db) -> None:
    inbox.append(db, [event(1)])
    asked = burst(1)
    bursts.close(db, [asked])
    decision = Decision(
        burst=asked.id,
        question="is_question",
        question_version="v",
        probabilities={"yes": 0.6, "no": 0.4},
        margin=0.2,
        sure=None,
        revision="r1",
        milliseconds=3.0,
        decided_at=NOON,
    )
    for _ in range(2):
        decisions.record(db, [decision], routing(asked), request(asked), NOON)
    assert bursts.undecided(db) == []
    assert decisions.decisions_of(db, asked.id) == [decision]
    assert decisions.routing_of(db, asked.id) == routing(asked)
    assert requests.count(db) == {"pending": 1}
    assert requests.asked_since(db, NOON - timedelta(days=1)) == 1


def test_requests_wait_for_their_next_attempt(db) -> None:
    inbox.append(db, [event(1)])
    asked = burst(1)
    bursts.close(db, [asked])
    decisions.record(db, [], routing(asked), request(asked), NOON)
    requests.postpone(db, ["q-" + asked.id], NOON + timedelta(minutes=5))
    assert requests.due(db, NOON, 10) == []
    (due,) = requests.due(db, NOON + timedelta(minutes=6), 10)
    assert due.attempts == 1
    requests.set_state(db, [due.id], RequestState.SENT)
    assert requests.due(db, NOON + timedelta(days=1), 10) == []


def test_responses_and_labels_become_items(db) -> None:
    inbox.append(db, [event(1), event(100)])
    first, second = burst(1), burst(100)
    bursts.close(db, [first, second])
    for one in (first, second):
        decisions.record(db, [], routing(one, audit=True, probability=0.25), request(one, blind=True), NOON)
    response = Response(
        request="q-" + first.id,
        annotator="ann",
        answers={"is_question": "yes"},
        status=ResponseStatus.SUBMITTED,
        submitted_at=NOON,
        rewrite="stand-alone",
    )
    assert responses.put(db, [response]) == [response.request]
    assert responses.put(db, [response]) == []
    assert responses.to(db, response.request) == [response]
    settled = Label(
        burst=first.id, question="is_question", question_version="v", option="yes", responses=1, labelled_at=NOON
    )
    disputed = Label(
        burst=second.id, question="is_question", question_version="v", option=None, responses=2, labelled_at=NOON
    )
    labels.put(db, [settled, disputed])
    (item,) = labels.items(db, {"is_question": "v"}, 30)
    assert (item.burst.id, dict(item.answers), item.audit, item.weight) == (first.id, {"is_question": "yes"}, True, 4.0)
    assert labels.items(db, {"is_question": "new wording"}, 30) == []
    assert labels.count(db, {"is_question": "v"}) == {"is_question": 1}


def test_an_edit_reopens_and_a_deletion_withdraws(db) -> None:
    inbox.append(db, [event(1), event(2)])
    closed = burst(1, 2)
    bursts.close(db, [closed])
    decisions.record(db, [], routing(closed), None, NOON)
    assert inbox.amend(db, "t:r:2", "changed") == closed.id
    changed = bursts.rewrite(db, closed.id)
    assert changed is not None
    assert changed.text == "hello\nchanged"
    assert [b.id for b in bursts.undecided(db)] == [closed.id]
    inbox.amend(db, "t:r:1", "")
    inbox.amend(db, "t:r:2", "")
    assert bursts.rewrite(db, closed.id) is None
    assert bursts.count(db) == {"withdrawn": 1}


def test_what_serves_is_the_last_slot(db) -> None:
    def promote(candidate: str) -> None:
        slot = Slot(candidate=candidate, gguf_path=f"{candidate}.gguf", gguf_sha256="ab", since=NOON)
        act = Promotion(
            candidate=candidate, action=Action.APPROVE, by="ann", why="", override=False, binding={}, at=NOON
        )
        promotions.record(db, act, slot)

    assert promotions.current_slot(db) is None
    promote("c1")
    promote("c2")
    current = promotions.current_slot(db)
    assert current is not None
    assert current.candidate == "c2"
    assert [s.candidate for s in promotions.slots(db)] == ["c1", "c2"]
    assert [p.candidate for p in promotions.history(db)] == ["c1", "c2"]


def test_old_text_leaves_the_files(tmp_path: Path, db) -> None:
    inbox.append(db, [event(1, "a very secret sentence")])
    old = burst(1)
    bursts.close(db, [old])
    decisions.record(db, [], routing(old, Route.PASS), None, NOON)
    assert purge(db, NOON + timedelta(days=1)) == 2
    assert all(b"very secret" not in path.read_bytes() for path in tmp_path.iterdir())


def test_what_people_said_is_open_to_the_owner_alone(tmp_path: Path) -> None:
    open_database(tmp_path / "var").close()
    assert (tmp_path / "var").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "var" / FILE).stat().st_mode & 0o777 == 0o600


def test_a_broken_database_is_explained(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("this is no database, whatever its name says")
    with pytest.raises(StoreError, match=FILE):
        open_database(tmp_path)


async def test_verbs_run_beside_the_loop(tmp_path: Path) -> None:
    async with Store(tmp_path) as store:
        first, second = await asyncio.gather(store.do(inbox.append, [event(1)]), store.do(inbox.append, [event(1)]))
        assert len(first) + len(second) == 1
        assert await store.do(inbox.cursor, "t") == "1"

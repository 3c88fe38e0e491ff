import json
from dataclasses import replace
from datetime import timedelta

import pytest

from models.consent import Mode
from models.decision import Route, Routing
from models.erasure import TraceKind
from models.labels import Label, Request, RequestState, Response, ResponseStatus
from models.store import bursts, consent, decisions, erasure, erasures, inbox, labels, requests, responses, selection
from models.store.absence import remains
from models.store.database import FILE, open_database
from models.store.revision import revise
from tests.models.made import NOON, RUN, SCORE, burst, event

LATER = NOON + timedelta(hours=1)
SECRET = "velociraptor"


@pytest.fixture
def db(tmp_path):
    """u1 says a secret in a burst of two messages, u2 speaks with it in the window; both are asked and answered."""
    db = open_database(tmp_path)
    inbox.append(db, [event(1, f"{SECRET} one"), event(2, "two"), event(3, "and mine?", sender="u2")])
    first = burst(1, 2)
    second = burst(3)
    bursts.close_with_windows(db, [_of(first, f"{SECRET} one\ntwo", "u1")], 12, [], NOON)
    bursts.close_with_windows(db, [_of(second, "and mine?", "u2")], 12, [], NOON)
    for one in (first, second):
        routing = Routing(burst=one.id, route=Route.ASK, reason="unsure", audit=False, probability=1.0, mode=Mode.TRAIN)
        decisions.record(db, [], routing, _request(one.id), NOON)
        requests.set_state(db, [f"q-{one.id}"], RequestState.ANSWERED)
        answer = Response(
            request=f"q-{one.id}",
            annotator="ann",
            answers={"is_question": "yes"},
            status=ResponseStatus.SUBMITTED,
            submitted_at=NOON,
            rewrite=f"{SECRET} again",
        )
        responses.put(db, [answer])
        labels.put(db, [_label(one.id)])
    return db


def _of(one, text, sender):
    return type(one)(**{**{name: getattr(one, name) for name in one.__slots__}, "text": text, "sender": sender})


def _request(name):
    return Request(
        id=f"q-{name}",
        burst=name,
        strategy="margin",
        probability=1.0,
        blind=False,
        state=RequestState.PENDING,
        created_at=NOON,
    )


def _label(name):
    return Label(burst=name, question="is_question", question_version="v", option="yes", responses=1, labelled_at=NOON)


def states(db):
    return {row["burst"]: row["state"] for row in db.query("SELECT burst, state FROM requests")}


def in_file(tmp_path):
    return any(SECRET.encode() in path.read_bytes() for path in tmp_path.glob(f"{FILE}*"))


def test_a_redacted_message_leaves_its_burst_the_windows_of_others_and_what_was_written_about_it(db, tmp_path):
    first, second = burst(1, 2).id, burst(3).id
    assert [m.id for m in bursts.get(db, second).window] == ["t:r:1", "t:r:2"]
    name, found = erasure.redact(db, "t:r:1", "r", LATER, f"q-{first}")
    assert found == first
    assert bursts.get(db, first).text == "two"
    assert [b.id for b in bursts.undecided(db)] == [first]
    assert [m.text for m in bursts.get(db, second).window] == ["two"]
    assert states(db) == {first: "amended", second: "withdrawn"}
    assert [i.burst.id for i in labels.items(db, {"is_question": "v"}, 10)] == [second]  # the other's label stays
    assert [r.rewrite for r in responses.every(db)] == [None]
    assert not any(remains(db, name).values())
    assert erasures.unsettled_requests(db) == sorted([f"q-{first}", f"q-{second}"])
    assert in_file(tmp_path)  # the log still has it
    assert erasure.compact(db)
    assert not in_file(tmp_path)


def test_a_forgotten_member_leaves_ids_and_no_name(db, tmp_path):
    first, second = burst(1, 2).id, burst(3).id
    name = erasure.forget_member(db, "u1", None, LATER)
    assert erasure.forget_member(db, "u1", "elsewhere", LATER) != name
    assert bursts.get(db, first).text == ""
    assert bursts.get(db, first).sender == erasure.NOBODY
    assert bursts.get(db, second).window == ()
    assert states(db) == {first: "withdrawn", second: "withdrawn"}
    assert {t.name for t in erasures.traces(db, name, TraceKind.EVENT)} == {"t:r:1", "t:r:2"}
    assert erasures.get(db, name).member_hash == erasures.member_hash(name, "u1")
    assert not any(remains(db, name).values())
    assert erasure.compact(db)
    assert not in_file(tmp_path)
    assert b"u1" not in (tmp_path / FILE).read_bytes()


def test_what_was_written_from_memory_meanwhile_is_erased_the_second_time(db):
    inbox.append(db, [event(5, f"{SECRET} five")])
    name = erasure.forget_member(db, "u1", "r", LATER)
    bursts.close(db, [_of(burst(5), f"{SECRET} five", "u1")])  # it was open in another process
    assert remains(db, name)["bursts with text of theirs"] == 0  # nobody knows of it yet
    erasure.erase_again(db, name)
    assert bursts.get(db, burst(5).id).text == ""
    assert bursts.get(db, burst(5).id).sender == erasure.NOBODY
    before = {b: bursts.get(db, b) for b in (burst(1, 2).id, burst(3).id)}
    erasure.erase_again(db, name)
    assert {b: bursts.get(db, b) for b in before} == before


def test_what_is_left_is_counted(db):
    name = erasure.forget_member(db, "u1", None, LATER)
    db.execute("UPDATE events SET text = 'back' WHERE id = 't:r:1'")
    db.execute("UPDATE bursts SET text = 'back' WHERE id = ?", [burst(1, 2).id])
    db.execute(
        "UPDATE bursts SET window = ? WHERE id = ?",
        [json.dumps([{"sender": "x", "text": "b", "id": "t:r:1"}]), burst(3).id],
    )
    found = remains(db, name)
    assert found["messages with text"] == found["windows that show them"] == found["bursts with text of theirs"] == 1


def test_the_bots_reply_goes_with_what_it_answers(db):
    inbox.append(db, [event(7, f"about {SECRET}", sender="quandary", is_bot=True, reply_to="t:r:2")])
    inbox.append(db, [event(8, "thanks", sender="u2")])
    bursts.close_with_windows(db, [_of(burst(8), "thanks", "u2")], 12, [], NOON)
    assert any(SECRET in m.text for m in bursts.get(db, burst(8).id).window)
    decisions.record_reply(db, burst(1, 2).id, f"about {SECRET}", "sent", NOON)
    erasure.forget_member(db, "u1", "r", LATER)
    assert [m.text for m in bursts.get(db, burst(8).id).window] == ["and mine?"]
    assert db.execute("SELECT text FROM replies").fetchone() == ("",)


def test_an_unknown_message_is_no_erasure_and_a_purged_one_is_found_by_its_burst(db):
    assert erasure.redact(db, "t:r:99", "r", LATER) is None
    db.execute("DELETE FROM events WHERE id = 't:r:1'")
    _, found = erasure.redact(db, "t:r:1", "r", LATER)
    assert found == burst(1, 2).id
    assert bursts.get(db, found).text == "two"


def test_an_edit_shows_in_the_windows_of_others(db):
    revise(db, "t:r:2", "zwei", None, LATER)
    assert [m.text for m in bursts.get(db, burst(3).id).window] == [f"{SECRET} one", "zwei"]
    assert bursts.get(db, burst(1, 2).id).text == f"{SECRET} one\nzwei"


def test_modes_count_then_and_now(db):
    first, second = burst(1, 2).id, burst(3).id
    db.execute("UPDATE routes SET mode = 'label' WHERE burst = ?", [first])
    db.execute("UPDATE routes SET mode = NULL WHERE burst = ?", [second])  # from before there were modes
    now = {"mode": Mode.TRAIN}

    def found():
        items = labels.items(db, {"is_question": "v"}, 10, lambda _room, _platform: now["mode"])
        return {item.burst.id: item.trainable for item in items}

    assert found() == {first: False, second: True}
    now["mode"] = Mode.LABEL
    assert found() == {first: False, second: False}
    now["mode"] = Mode.LISTEN
    assert found() == {}


def test_open_requests_are_taken_back_where_nobody_may_read_any_more(db):
    first, second = burst(1, 2).id, burst(3).id
    requests.set_state(db, [f"q-{first}"], RequestState.SENT)
    assert consent.hold_to(db, lambda _room, _platform: Mode.LABEL) == 0
    assert consent.hold_to(db, lambda _room, _platform: Mode.LISTEN) == 1
    assert states(db) == {first: "withdrawn", second: "answered"}


def test_requests_withdrawn_while_they_were_sent_are_told(db):
    first, second = burst(1, 2).id, burst(3).id
    requests.set_state(db, [f"q-{first}"], RequestState.PENDING)
    requests.set_state(db, [f"q-{second}"], RequestState.WITHDRAWN)
    assert requests.mark_sent(db, [f"q-{first}", f"q-{second}"]) == [f"q-{second}"]
    assert states(db) == {first: "sent", second: "withdrawn"}


def test_the_scores_of_an_erased_burst_go_and_those_beside_it_stay(db):
    first, second = burst(1, 2).id, burst(3).id
    score = replace(SCORE, burst=first)
    selection.put(db, RUN, [score, replace(score, burst=second)])
    erasure.redact(db, event(1).id, "r", LATER)
    assert [kept.burst for kept in selection.scores(db, RUN.dataset)] == [second]

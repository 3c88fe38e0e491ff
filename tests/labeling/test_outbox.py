import random
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling.form import Form
from labeling.outbox import BACKOFF_MAX_S, REFUSALS_MAX, Outbox, backoff_s
from models.consent import Mode, Modes
from models.decision import Route, Routing
from models.ids import BurstId, RequestId
from models.labels import RequestState
from models.settings import MannersSettings, Rooms, RoomTable
from models.store import backlog, bursts, consent, decisions, inbox, requests, revision
from models.store.thread import Store
from tests.labeling.flaky import Clock, FlakyQueue, said
from tests.labeling.made import NOON, Two, burst, decision, request


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with Store(tmp_path) as opened:
        yield opened


@pytest.fixture
def queue() -> FlakyQueue:
    return FlakyQueue()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def outbox(store: Store, queue: FlakyQueue, questions: Two, clock: Clock) -> Outbox:
    return Outbox(store, queue, questions, alias_key=b"key", clock=clock, rng=random.Random(1))


async def ask(store: Store, questions: Two, number: int, text: str = "how?", *, blind: bool = False) -> None:
    name = f"b{number}"
    await store.do(bursts.close, [burst(text, ("bob", "hi"), name=name)])
    routing = Routing(burst=BurstId(name), route=Route.ASK, reason="unsure", audit=blind, probability=1.0)
    asked = request(f"r{number}", of=name, blind=blind)
    await store.do(decisions.record, [decision(questions[0], 0.6, of=name)], routing, asked, NOON)


async def states(store: Store) -> dict[str, int]:
    return await store.do(requests.count)


async def test_due_requests_go_out_once(store: Store, queue: FlakyQueue, questions: Two, outbox: Outbox) -> None:
    for number in range(120):
        await ask(store, questions, number, blind=number == 7)
    assert await outbox.flush() == 120
    assert await outbox.flush() == 0
    assert [len(push) for push in queue.pushes] == [50, 50, 20]
    assert await states(store) == {"sent": 120}
    form = queue.records["r3"]
    assert (form.room, form.text) == (queue.records["r4"].room, "how?")
    assert form.suggestions["is_question"].option == "yes"
    assert queue.records["r7"].suggestions == {}


async def test_killed_before_it_was_marked_as_sent_it_sends_the_same_record(
    store: Store, queue: FlakyQueue, questions: Two, outbox: Outbox
) -> None:
    await ask(store, questions, 1)
    await outbox.flush()
    await store.do(requests.set_state, [RequestId("r1")], RequestState.PENDING)
    assert await outbox.flush() == 1
    assert set(queue.records) == {"r1"}


async def test_an_amended_request_loses_its_record_and_gets_a_new_one(
    store: Store, queue: FlakyQueue, questions: Two, outbox: Outbox
) -> None:
    await ask(store, questions, 1)
    await outbox.flush()
    for number in range(2):  # edited, and withdrawn and revived in between
        await store.do(requests.set_state, [RequestId("r1")], RequestState.AMENDED)
        queue.down = True
        assert await outbox.flush() == 0
        assert await states(store) == {"amended": 1}
        queue.down = False
        assert await outbox.flush() == 1
        assert await states(store) == {"sent": 1}
        assert queue.withdrawn == ["r1"] * (2 * number + 1)
        await outbox.withdraw([RequestId("r1")])
        assert queue.withdrawn == ["r1"] * (2 * number + 2)


async def test_while_argilla_is_down_requests_wait_longer_and_longer(
    store: Store, queue: FlakyQueue, questions: Two, outbox: Outbox, clock: Clock
) -> None:
    await ask(store, questions, 1)
    queue.down = True
    for attempt in range(4):
        assert await outbox.flush() == 0
        waiting = await store.do(requests.get, RequestId("r1"))
        assert waiting is not None
        assert waiting.attempts == attempt + 1
        assert waiting.next_attempt_at is not None
        pause = (waiting.next_attempt_at - clock.now).total_seconds()
        assert 2.0**attempt <= pause <= 2.0 ** (attempt + 1)
        assert await outbox.flush() == 0  # not due: no further attempt
        assert len(queue.pushes) == attempt + 1
        clock.now = waiting.next_attempt_at
    queue.down = False
    assert await outbox.flush() == 1


async def test_one_refused_record_holds_up_no_other(
    store: Store, queue: FlakyQueue, questions: Two, outbox: Outbox
) -> None:
    for number in range(9):
        await ask(store, questions, number)
    queue.refused = {"r4"}
    assert await outbox.flush() == 8
    assert await states(store) == {"sent": 8, "pending": 1}


async def test_bursts_that_are_gone_are_not_asked_about(
    store: Store, queue: FlakyQueue, questions: Two, outbox: Outbox
) -> None:
    await ask(store, questions, 1, text=" ")
    await ask(store, questions, 2)
    assert await outbox.flush() == 1
    assert set(queue.records) == {"r2"}
    assert await states(store) == {"withdrawn": 1, "sent": 1}


async def test_a_withdrawal_outlives_an_outage_and_is_carried_out_once(
    store: Store, queue: FlakyQueue, questions: Two, outbox: Outbox, clock: Clock
) -> None:
    await ask(store, questions, 1)
    await outbox.flush()
    queue.down = True
    await outbox.withdraw([RequestId("r1")])
    assert (await states(store), queue.withdrawn) == ({"withdrawn": 1}, [])
    queue.down = False
    after_restart = Outbox(store, queue, questions, alias_key=b"key", clock=clock)
    await after_restart.flush()
    await after_restart.flush()
    assert queue.withdrawn == ["r1"]


@given(st.integers(min_value=0, max_value=10_000), st.integers())
def test_the_pause_grows_to_a_bound_with_jitter(attempts: int, seed: int) -> None:
    pause = backoff_s(attempts, random.Random(seed))
    assert 1.0 <= pause <= BACKOFF_MAX_S
    assert pause >= min(BACKOFF_MAX_S, 2.0 ** min(attempts + 1, 20)) / 2
    assert timedelta(seconds=pause) < timedelta(hours=1)


async def test_a_request_withdrawn_while_it_is_sent_is_taken_out_again(store: Store, questions: Two) -> None:
    await ask(store, questions, 1)

    class Slow(FlakyQueue):
        async def push(self, forms: Sequence[Form]) -> None:
            await super().push(forms)
            await store.do(requests.set_state, [form.request for form in forms], RequestState.WITHDRAWN)

    queue = Slow()
    assert await Outbox(store, queue, questions, alias_key=b"k").flush() == 0
    assert queue.withdrawn == list(queue.records)
    assert await states(store) == {"withdrawn": 1}


MODES = [Mode.OFF, Mode.LISTEN, Mode.LABEL, Mode.TRAIN]


@pytest.mark.parametrize("then", [None, *MODES])
@pytest.mark.parametrize("now", MODES)
async def test_only_rooms_that_agree_now_and_agreed_then_are_shown_to_anybody(
    store: Store, queue: FlakyQueue, questions: Two, now: Mode, then: Mode | None
) -> None:
    await store.do(bursts.close, [burst("how?", ("bob", "hi"))])
    routing = Routing(burst=BurstId("b1"), route=Route.ASK, reason="unsure", audit=False, probability=1.0, mode=then)
    await store.do(decisions.record, [], routing, request(), NOON)
    modes = Modes(Rooms(MannersSettings(), (RoomTable(id="#ubuntu", mode=now.value),)))
    outbox = Outbox(store, queue, questions, alias_key=b"k", modes=modes)
    agreed = now.allows(Mode.LABEL) and (then is None or then.allows(Mode.LABEL))
    assert await outbox.flush() == int(agreed)
    assert queue.pushes == ([["r1"]] if agreed else [])
    assert await states(store) == {"sent" if agreed else "withdrawn": 1}


@pytest.mark.parametrize("state", [RequestState.PENDING, RequestState.SENT, RequestState.AMENDED])
async def test_what_was_queued_before_a_mode_was_lowered_goes_nowhere_whatever_happens_to_it(
    store: Store, queue: FlakyQueue, questions: Two, state: RequestState
) -> None:
    def room(mode: Mode) -> Modes:
        return Modes(Rooms(MannersSettings(), (RoomTable(id="#ubuntu", mode=mode.value),)))

    await ask(store, questions, 1)
    await store.do(inbox.append, [said])
    if state is RequestState.SENT:
        assert await Outbox(store, queue, questions, alias_key=b"k", modes=room(Mode.TRAIN)).flush() == 1
    await store.do(requests.set_state, [RequestId("r1")], state)
    queue.pushes.clear()

    listening = room(Mode.LISTEN)
    await store.do(consent.hold_to, lambda *where: listening.of(*where).mode)
    outbox = Outbox(store, queue, questions, alias_key=b"k", modes=listening)
    await outbox.flush()
    await store.do(revision.revise, said.id, "edited later", RequestId("r1"), NOON)  # which makes requests anew
    await outbox.flush()
    await outbox.flush()
    assert queue.pushes == []
    assert await states(store) == {"withdrawn": 1}
    assert "r1" in queue.withdrawn
    raised = room(Mode.TRAIN)
    assert await Outbox(store, queue, questions, alias_key=b"k", modes=raised).flush() == 0


async def test_how_much_waits_and_since_when_is_known(
    store: Store, queue: FlakyQueue, questions: Two, outbox: Outbox, clock: Clock
) -> None:
    nothing = await store.do(backlog.count, REFUSALS_MAX)
    assert (nothing.to_send, nothing.since, nothing.next_attempt_at, nothing.to_take_back) == (0, None, None, 0)
    for number in range(3):
        await ask(store, questions, number)
    queue.down = True
    await outbox.flush()
    await outbox.withdraw([RequestId("r2")])
    waits = await store.do(backlog.count, REFUSALS_MAX)
    assert (waits.to_send, waits.since, waits.attempts, waits.to_take_back, waits.given_up) == (2, NOON, 1, 1, 0)
    assert waits.next_attempt_at is not None
    assert clock.now < waits.next_attempt_at <= clock.now + timedelta(seconds=2)


async def test_what_argilla_refuses_while_it_takes_others_is_given_up_and_counted(
    store: Store, queue: FlakyQueue, questions: Two, outbox: Outbox, clock: Clock
) -> None:
    await ask(store, questions, 0)
    queue.refused = {"r0"}
    for _ in range(2 * REFUSALS_MAX):  # nothing else was taken, so it may be Argilla's own trouble
        await outbox.flush()
        clock.now += timedelta(hours=1)
    assert await states(store) == {"pending": 1}
    await ask(store, questions, 1)
    assert await outbox.flush() == 1
    assert await states(store) == {"sent": 1, "withdrawn": 1}
    assert (await store.do(backlog.count, REFUSALS_MAX)).given_up == 1


async def test_what_was_taken_back_is_not_taken_back_again_after_a_restart(
    store: Store, queue: FlakyQueue, questions: Two, outbox: Outbox
) -> None:
    for number in range(450):
        await ask(store, questions, number)
    while await outbox.flush():
        pass
    queue.down = True
    await outbox.withdraw([RequestId(f"r{number}") for number in range(450)])
    queue.down = False
    await Outbox(store, queue, questions, alias_key=b"k").flush()
    assert sorted(queue.withdrawn) == sorted(f"r{number}" for number in range(450))
    await Outbox(store, queue, questions, alias_key=b"k").flush()
    assert len(queue.withdrawn) == 450

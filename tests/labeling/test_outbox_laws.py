"""What holds of the outbox whatever happens in the chat, in Argilla and to the bot, in any order."""

import asyncio
import random
from datetime import datetime, timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from labeling.outbox import BATCH, BATCHES_MAX, REFUSALS_MAX, Outbox
from models.chat import Burst, ChatEvent, EventKind, WindowMessage
from models.decision import Route, Routing
from models.ids import BurstId, EventId, MemberId, RequestId, RoomId
from models.labels import RequestState
from models.store import backlog, bursts, decisions, erasure, inbox, requests, revision
from tests.labeling.made import NOON, question, request
from tests.labeling.unreliable import POISON, InlineStore, KilledError, UnreliableQueue

QUESTIONS = (question("is_question"),)
FAULTS = [UnreliableQueue.DOWN, UnreliableQueue.HALF, UnreliableQueue.ANSWER_LOST, UnreliableQueue.KILLED, None]
numbers = st.integers(min_value=0, max_value=20)


class OutboxLaws(RuleBasedStateMachine):
    """Chat, Argilla and outbox with every burst in one room, the message before each in its window."""

    @initialize()
    def open(self) -> None:
        self.now = NOON
        self.store = InlineStore()
        self.queue = UnreliableQueue()
        self.asked = 0
        self.withdrawn: set[RequestId] = set()
        self.pushed_by_a_flush = 0
        self._start()

    def _start(self) -> None:
        self.outbox = Outbox(
            self.store, self.queue, QUESTIONS, alias_key=b"k", clock=lambda: self.now, rng=random.Random(1)
        )

    @rule(text=st.sampled_from(["how?", "why?", POISON]), many=st.sampled_from([1, 1, 1, 120]))
    def ask(self, text: str, many: int) -> None:
        for _ in range(many):
            self._ask(f"{text} {self.asked}")

    def _ask(self, text: str) -> None:
        number, self.asked = self.asked, self.asked + 1
        at = NOON + timedelta(seconds=number)
        event = ChatEvent(
            id=EventId(f"m{number}"),
            platform="t",
            room=RoomId("r"),
            thread=None,
            sender=MemberId("ann"),
            text=text,
            sent_at=at,
            kind=EventKind.MESSAGE,
        )
        inbox.append(self.store.db, [event])
        before = EventId(f"m{number - 1}")
        shown = self._text(number - 1) if number else ""
        one = Burst(
            id=BurstId(f"b{number}"),
            platform="t",
            room=RoomId("r"),
            sender=MemberId("ann"),
            text=text,
            window=(WindowMessage(sender=MemberId("ann"), text=shown, id=before),) if shown else (),
            started_at=at,
            ended_at=at,
            message_ids=(event.id,),
        )
        bursts.close(self.store.db, [one])
        routing = Routing(burst=one.id, route=Route.ASK, reason="unsure", audit=False, probability=1.0)
        decisions.record(self.store.db, [], routing, request(f"r{number}", of=one.id), at)

    def _text(self, number: int) -> str:
        (text,) = self.store.db.conn.execute("SELECT text FROM events WHERE id = ?", [f"m{number}"]).fetchone()
        return str(text)

    @rule(number=numbers, text=st.sampled_from(["edited", "edited again", "mended"]))
    def edit(self, number: int, text: str) -> None:
        if number < self.asked and self._text(number):
            revision.revise(self.store.db, EventId(f"m{number}"), f"{text} {number}", RequestId(f"r{number}"), self.now)

    @rule(number=numbers)
    def delete(self, number: int) -> None:
        if number < self.asked:
            erasure.redact(self.store.db, EventId(f"m{number}"), RoomId("r"), self.now, RequestId(f"r{number}"))

    @rule(number=numbers)
    def withdraw(self, number: int) -> None:
        if number < self.asked:
            self._whatever_happens(self.outbox.withdraw([RequestId(f"r{number}")]))

    @rule(number=numbers)
    def edit_while_it_is_sent(self, number: int) -> None:
        self.queue.meanwhile = lambda: self.edit(number, "edited on the way")
        self.flush([])

    @rule(number=numbers)
    def delete_while_it_is_sent(self, number: int) -> None:
        self.queue.meanwhile = lambda: self.delete(number)
        self.flush([])

    @rule(number=numbers)
    def answer(self, number: int) -> None:
        found = requests.get(self.store.db, RequestId(f"r{number}"))
        if found is not None and found.state is RequestState.SENT:
            requests.set_state(self.store.db, [found.id], RequestState.ANSWERED)

    @rule(faults=st.lists(st.sampled_from(FAULTS), max_size=4))
    def flush(self, faults: list[str | None]) -> None:
        self.queue.faults = list(faults)
        self.queue.pushes.clear()
        self._whatever_happens(self.outbox.flush())
        self.queue.faults.clear()
        self.pushed_by_a_flush = max(self.pushed_by_a_flush, sum(self.queue.pushes))

    @rule(hours=st.sampled_from([0.01, 1, 24]))
    def wait(self, hours: float) -> None:
        self.now += timedelta(hours=hours)

    @rule()
    def restart(self) -> None:
        self._start()

    def _whatever_happens(self, doing: object) -> None:
        try:
            asyncio.run(doing)
        except KilledError:
            self._start()

    @invariant()
    def no_flush_sends_more_than_its_bound(self) -> None:
        assert self.pushed_by_a_flush <= BATCH * BATCHES_MAX

    def teardown(self) -> None:
        """However it went: once Argilla works, each request ends where it belongs."""
        self.queue.meanwhile = None
        for _ in range(100):
            if backlog.count(self.store.db, REFUSALS_MAX).to_send == 0:
                break
            self._ask("another that Argilla takes")  # else refusals are Argilla's own trouble
            self.wait(1)
            self.flush([])
        self.flush([])
        standing = self._by_state()
        assert set(standing) <= {RequestState.SENT, RequestState.ANSWERED, RequestState.WITHDRAWN}, standing
        out = standing.get(RequestState.SENT, set()) | standing.get(RequestState.ANSWERED, set())
        assert set(self.queue.records) == out
        for name, form in self.queue.records.items():
            now = bursts.get(self.store.db, BurstId(name.replace("r", "b")))
            assert now is not None
            assert form.text == now.text
            assert [m.text for m in form.window] == [m.text for m in now.window]
            assert POISON not in form.text
        for name in standing.get(RequestState.WITHDRAWN, set()):
            assert name not in self.queue.records
        left = backlog.count(self.store.db, REFUSALS_MAX)
        assert (left.to_send, left.to_take_back) == (0, 0)
        assert not self.store.db.execute(
            "SELECT 1 FROM erasure_traces WHERE kind = 'request' AND state = 'open'"
        ).fetchall()

    def _by_state(self) -> dict[RequestState, set[RequestId]]:
        return {
            state: {found.id for found in listed}
            for state in RequestState
            if (listed := requests.in_state(self.store.db, state))
        }


TestOutboxLaws = OutboxLaws.TestCase
TestOutboxLaws.settings = settings(
    max_examples=20, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


def test_a_day_without_argilla_loses_nothing_doubles_nothing_and_floods_nothing() -> None:
    """A request every two minutes for a day, the flush every 15 s as shipped, Argilla away from 01:00 to 23:00."""

    async def day() -> tuple[OutboxLaws, list[tuple[datetime, int]], int]:
        laws = OutboxLaws()
        laws.open()
        sent: list[tuple[datetime, int]] = []
        calls_while_down = 0
        for tick in range(24 * 240):
            laws.now = NOON + timedelta(seconds=15 * tick)
            laws.queue.down = 240 <= tick < 23 * 240
            before = laws.queue.calls
            if tick % 8 == 0:
                laws._ask(f"how? {tick}")
            arrived = await laws.outbox.flush()
            if laws.queue.down:
                assert arrived == 0
                calls_while_down += laws.queue.calls - before
            sent.append((laws.now, arrived))
        return laws, sent, calls_while_down

    laws, sent, calls_while_down = asyncio.run(day())
    assert laws.asked == 720
    assert laws._by_state() == {RequestState.SENT: set(laws.queue.records)}
    assert len(laws.queue.records) == sum(arrived for _, arrived in sent) == 720
    assert max(arrived for _, arrived in sent) <= BATCH * BATCHES_MAX
    assert calls_while_down <= 22 * 240  # one a flush at most
    back = NOON + timedelta(hours=23)
    caught_up = sum(arrived for at, arrived in sent if back <= at < back + timedelta(minutes=11))
    assert caught_up >= 660  # all that waited, within the longest pause and a minute


def test_a_backlog_goes_out_at_eight_hundred_a_minute() -> None:
    laws = OutboxLaws()
    laws.open()
    for number in range(2000):
        laws._ask(f"how? {number}")
    rounds = []
    while sent := asyncio.run(laws.outbox.flush()):
        rounds.append(sent)
    assert rounds == [BATCH * BATCHES_MAX] * 10
    assert 60 / 15 * BATCH * BATCHES_MAX == 800

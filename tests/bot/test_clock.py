from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.clock import AHEAD_MAX, ServerClock, bounded
from models.chat import ChatEvent
from models.ids import EventId, MemberId, RoomId

T0 = datetime(2026, 1, 1, tzinfo=UTC)


def test_runs_on_from_the_latest_event_and_never_back():
    ticks = [100.0]
    clock = ServerClock(pace=2.0, monotonic=lambda: ticks[0])
    assert clock.now() is None
    clock.saw(T0)
    ticks[0] = 105.0
    assert clock.now() == T0 + timedelta(seconds=10)
    clock.saw(T0 + timedelta(seconds=1))  # a delayed event
    assert clock.now() == T0 + timedelta(seconds=10)
    clock.saw(T0 + timedelta(seconds=60))
    assert clock.now() == T0 + timedelta(seconds=60)


def test_a_time_from_the_far_future_is_pulled_back_and_no_other() -> None:
    event = ChatEvent(
        id=EventId("p:r:1"), platform="p", room=RoomId("r"), sender=MemberId("ann"), text="hi", sent_at=T0
    )
    for ahead in (timedelta(days=-400), timedelta(0), AHEAD_MAX):
        said = replace(event, sent_at=T0 + ahead)
        assert bounded(said, T0) == said
    forged = replace(event, sent_at=datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC))
    assert bounded(forged, T0) == event

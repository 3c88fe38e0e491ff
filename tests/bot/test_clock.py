from datetime import UTC, datetime, timedelta

from bot.clock import ServerClock

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

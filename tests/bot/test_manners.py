from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.manners import HOUR, Hold, Hourly, Occasion, Said, hold, is_quiet
from models.settings import MannersSettings, Rooms

NOW = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)
FREE = Rooms(MannersSettings(), ()).of("r")
CALM = Occasion(to="a", is_bot=False, mentioned=False, paused=False, said=())

ATTEMPTS = st.lists(st.tuples(st.integers(0, 4 * 3600), st.sampled_from("abc")), max_size=25)


def given_replies(attempts, room, member):
    """Who gets a reply when these members ask at these seconds, in this order."""
    rules = replace(FREE, replies_per_hour=room, replies_per_hour_to_member=member)
    said = []
    for second, to in attempts:
        now = NOW + timedelta(seconds=second)
        if hold(rules, replace(CALM, to=to, said=tuple(said)), now) is None:
            said.append(Said(to=to, at=now))
    return said


@given(attempts=ATTEMPTS, room=st.integers(0, 6), member=st.integers(0, 3), ordered=st.booleans())
def test_no_hour_ever_holds_more_replies_than_allowed(attempts, room, member, ordered):
    said = given_replies(sorted(attempts) if ordered else attempts, room, member)
    for first in said:
        within = [one for one in said if timedelta(0) <= one.at - first.at < HOUR]
        assert len(within) <= room
        assert sum(one.to == first.to for one in within) <= member


@given(attempts=ATTEMPTS)
def test_nothing_is_held_back_without_need(attempts):
    said = given_replies(sorted(attempts), 100, 100)
    assert len(said) == len(attempts)


def test_after_an_hour_there_is_room_again():
    said = (Said(to="a", at=NOW),)
    rules = replace(FREE, replies_per_hour=1)
    assert hold(rules, replace(CALM, said=said), NOW + HOUR - timedelta(seconds=1)) is Hold.ROOM
    assert hold(rules, replace(CALM, said=said), NOW + HOUR) is None
    rules = replace(FREE, replies_per_hour_to_member=1)
    assert hold(rules, replace(CALM, said=said), NOW) is Hold.MEMBER
    assert hold(rules, replace(CALM, said=said, to="b"), NOW) is None


@pytest.mark.parametrize(
    ("rules", "occasion", "expected"),
    [
        (FREE, CALM, None),
        (FREE, replace(CALM, is_bot=True, paused=True), Hold.BOT),
        (FREE, replace(CALM, paused=True), Hold.PAUSED),
        (replace(FREE, mention_only=True), CALM, Hold.UNMENTIONED),
        (replace(FREE, mention_only=True), replace(CALM, mentioned=True), None),
        (replace(FREE, quiet=(time(11), time(13))), replace(CALM, mentioned=True), Hold.QUIET),
        (replace(FREE, replies_per_hour=0), CALM, Hold.ROOM),
        (replace(FREE, replies_per_hour_to_member=0), CALM, Hold.MEMBER),
    ],
)
def test_every_reason_to_be_silent(rules, occasion, expected):
    assert hold(rules, occasion, NOW) is expected


TIMES = st.times().map(lambda t: t.replace(second=0, microsecond=0))


@given(
    begin=TIMES,
    end=TIMES,
    minute=st.integers(0, 3 * 24 * 60),
    zone=st.sampled_from(["UTC", "Asia/Shanghai", "Europe/Berlin"]),
)
def test_hours_are_quiet_or_their_complement_is(begin, end, minute, zone):
    """Berlin's summer time begins within these three days."""
    if begin == end:
        return
    now = NOW - timedelta(days=1) + timedelta(minutes=minute)
    rules = replace(FREE, zone=ZoneInfo(zone))
    quiet = is_quiet(replace(rules, quiet=(begin, end)), now)
    assert quiet is not is_quiet(replace(rules, quiet=(end, begin)), now)
    here = now.astimezone(ZoneInfo(zone)).time()
    if here in (begin, end):
        assert quiet is (here == begin)


def test_quiet_hours_are_those_of_the_rooms_clock():
    shanghai = replace(FREE, quiet=(time(22), time(7)), zone=ZoneInfo("Asia/Shanghai"))
    assert [is_quiet(shanghai, NOW.replace(hour=hour)) for hour in (13, 14, 22, 23)] == [False, True, True, False]


@given(attempts=ATTEMPTS, limit=st.integers(0, 4))
def test_an_hourly_count_never_exceeds_its_limit_and_forgets(attempts, limit):
    count, taken = Hourly(limit), []
    for second, key in sorted(attempts):
        now = NOW + timedelta(seconds=second)
        recent = sum(k == key and at > now - HOUR for k, at in taken)
        assert count.take(key, now) is (recent < limit)
        if recent < limit:
            taken.append((key, now))
    count.take("z", NOW + timedelta(days=1))
    assert set(count._times) == {"z"}

import json
from collections import defaultdict
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

from bot_fakes import said
from hypothesis import given
from hypothesis import strategies as st
from naive_assembler import NaiveAssembler

from bot.adapters.replay import read_replay
from bot.assembler import Assembler
from models.settings import BurstSettings

BURSTS = Path(__file__).parent / "fixtures" / "ubuntu_excerpt_bursts.jsonl"
LIMITS = BurstSettings(gap_s=12, max_age_s=60, max_messages=4, max_chars=60)

times = st.lists(st.integers(0, 30), min_size=1, max_size=40)
spoken = times.flatmap(
    lambda gaps: st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from(["r", "q"]), st.integers(0, 30)),
        min_size=len(gaps),
        max_size=len(gaps),
    ).map(lambda who: _events(gaps, who))
)


def _events(gaps, who):
    at, events = 0, []
    for number, (gap, (sender, room, length)) in enumerate(zip(gaps, who, strict=True)):
        at += gap
        events.append(said(number, sender, at, "x" * length, room=room))
    return events


def assemble(events, limits=LIMITS, *, by_event_time=True):
    assembler, closed = Assembler(limits), []
    for event in events:
        if by_event_time:
            closed += assembler.advance(event.sent_at, event.room)
        closed += assembler.push(event)
    return closed + assembler.flush()


def test_real_chat_gives_the_bursts_and_windows_that_were_cut_independently(excerpt):
    events = [event for _, event in read_replay(excerpt, 12.0)]
    assembler, closed = Assembler(BurstSettings()), []
    for event in events:
        closed += assembler.advance(event.sent_at, event.room)
        if not event.is_bot:
            closed += assembler.push(event)
    found = {burst.message_ids: burst for burst in closed + assembler.flush()}
    places = {event.id: place for place, event in enumerate(events)}
    rows = [json.loads(line) for line in BURSTS.read_text(encoding="utf-8").splitlines()]
    assert len(rows) == 60
    for row in rows:
        ids = tuple(f"replay:{events[0].room}:{i}" for i in row["message_ids"])
        assert found[ids].text == row["text"]
        before = events[max(0, places[ids[0]] - 12) : places[ids[0]]]
        assert [{"sender": e.sender, "text": e.text} for e in before] == row["window"]


@given(spoken)
def test_every_message_lands_in_exactly_one_burst_in_order(events):
    bursts = assemble(events)
    assert sorted(i for b in bursts for i in b.message_ids) == sorted(e.id for e in events)
    said_by = {e.id: (e.room, e.thread, e.sender) for e in events}
    order = {e.id: n for n, e in enumerate(events)}
    for burst in bursts:
        assert {said_by[i] for i in burst.message_ids} == {(burst.room, burst.thread, burst.sender)}
        assert sorted(burst.message_ids, key=order.__getitem__) == list(burst.message_ids)
    assert len({burst.id for burst in bursts}) == len(bursts)


@given(spoken)
def test_limits_hold(events):
    at = {e.id: e.sent_at for e in events}
    for burst in assemble(events):
        moments = [at[i] for i in burst.message_ids]
        gaps = [(b - a).total_seconds() for a, b in pairwise(moments)]
        assert all(gap <= LIMITS.gap_s for gap in gaps)
        assert (burst.ended_at - burst.started_at).total_seconds() <= LIMITS.max_age_s
        assert len(burst.message_ids) <= LIMITS.max_messages
        assert len(burst.text) <= LIMITS.max_chars


@given(spoken, st.integers(-(10**6), 10**6))
def test_shifting_all_times_changes_nothing(events, seconds):
    later = [replace(e, sent_at=e.sent_at + timedelta(seconds=seconds)) for e in events]
    assert [b.message_ids for b in assemble(events)] == [b.message_ids for b in assemble(later)]


@given(spoken)
def test_closing_early_or_late_does_not_change_membership(events):
    assert {b.message_ids for b in assemble(events)} == {b.message_ids for b in assemble(events, by_event_time=False)}


@given(spoken)
def test_others_do_not_matter_to_a_members_bursts(events):
    alone = defaultdict(list)
    for event in events:
        alone[event.room, event.sender].append(event)
    apart = {b.message_ids for own in alone.values() for b in assemble(own)}
    assert {b.message_ids for b in assemble(events)} == apart


def test_another_thread_is_another_burst():
    events = [said(1, "a", 0), said(2, "a", 1, thread="x"), said(3, "a", 2)]
    assert sorted(len(b.message_ids) for b in assemble(events)) == [1, 2]


def test_a_full_burst_closes_at_once():
    assembler = Assembler(LIMITS)
    closed = [assembler.push(said(n, "a", n)) for n in range(4)]
    assert [len(c) for c in closed] == [0, 0, 0, 1]
    assert assembler.flush() == []


def test_a_message_longer_than_the_limit_is_a_burst_of_its_own():
    bursts = assemble([said(1, "a", 0, "x"), said(2, "a", 1, "y" * 500), said(3, "a", 2, "z")])
    assert [b.text[0] for b in bursts] == ["x", "y", "z"]


def test_edits_and_deletions_change_an_open_burst_only():
    assembler = Assembler(LIMITS)
    assembler.push(said(1, "a", 0, "one"))
    assembler.push(said(2, "a", 1, "two"))
    assert assembler.amend("t:r:1", "uno")
    assert assembler.amend("t:r:2", "")
    [burst] = assembler.flush()
    assert (burst.text, burst.message_ids) == ("uno", ("t:r:1", "t:r:2"))
    assert not assembler.amend("t:r:1", "late")


def test_advance_closes_only_what_nothing_could_join():
    assembler = Assembler(LIMITS)
    event = said(1, "a", 0)
    assembler.push(event)
    assert assembler.advance(event.sent_at + timedelta(seconds=12)) == []
    assert assembler.advance(event.sent_at + timedelta(seconds=13), room="other") == []
    assert len(assembler.advance(event.sent_at + timedelta(seconds=13))) == 1


steps = st.lists(
    st.tuples(
        st.integers(-5, 20),
        st.sampled_from(["push", "room", "all"]),
        st.sampled_from("abc"),
        st.sampled_from(["r", "q", "s"]),
        st.sampled_from([None, "x"]),
        st.integers(0, 30),
    ),
    max_size=80,
)


@given(steps)
def test_heaps_close_what_looking_at_everything_closes(steps):
    assembler, naive, at = Assembler(LIMITS), NaiveAssembler(LIMITS), 0
    for number, (gap, step, sender, room, thread, length) in enumerate(steps):
        at += gap
        event = said(number, sender, at, "x" * length, room=room, thread=thread)
        if step == "push":
            found, expected = assembler.push(event), naive.push(event)
        else:
            asked = room if step == "room" else None
            found, expected = assembler.advance(event.sent_at, asked), naive.advance(event.sent_at, asked)
        assert [burst.message_ids for burst in found] == [tuple(e.id for e in events) for events in expected]
        assert len(assembler) == len(naive.open)
    assert len(assembler.flush()) == len(naive.open)
    assert (len(assembler), assembler._rooms, assembler._of_message) == (0, {}, {})

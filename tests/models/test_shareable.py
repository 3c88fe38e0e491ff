from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from models.chat import Burst, WindowMessage
from models.ids import BurstId, EventId, MemberId, RoomId
from models.shareable import shareable

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
names = st.sampled_from(["ann", "bob@example.org", "@carol:example.org", "+8613800138000", "S", "P1"])
texts = st.text(max_size=20) | st.sampled_from(
    ["ann: ping 93.184.216.34", "bob@example.org: hi", "password=hunter2", "call +8613800138000", "S and P1"]
)


def made(sender: str, text: str, *window: tuple[str, str]) -> Burst:
    return Burst(
        id=BurstId("b"),
        room=RoomId("r"),
        sender=MemberId(sender),
        text=text,
        window=tuple(WindowMessage(sender=MemberId(who), text=said) for who, said in window),
        started_at=NOON,
        ended_at=NOON,
        message_ids=(EventId("m"),),
    )


def test_neither_names_nor_secrets_leave() -> None:
    burst = made(
        "bob@example.org", "@carol:example.org: my ip is 93.184.216.34", ("@carol:example.org", "bob@example.org: and?")
    )
    out = shareable(burst)
    assert (out.sender, out.text) == ("S", "P1: my ip is [ip]")
    assert [(m.sender, m.text) for m in out.window] == [("P1", "S: and?")]
    assert replace(out, sender=burst.sender, text=burst.text, window=burst.window) == burst


@given(names, texts, st.lists(st.tuples(names, texts), max_size=4))
def test_doing_it_twice_changes_nothing_more(sender: str, text: str, window: list[tuple[str, str]]) -> None:
    once = shareable(made(sender, text, *window))
    assert shareable(once) == once
    assert {once.sender, *(m.sender for m in once.window)} <= {"S", *(f"P{n}" for n in range(1, 5))}

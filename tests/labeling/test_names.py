from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from labeling.names import ANIMALS, day_names
from models.ids import RoomId

DAY = date(2026, 11, 21)
MEMBERS = st.lists(st.text(min_size=1, max_size=8), unique=True, max_size=250)


def named(members: list[str], room: str = "r", day: date = DAY, key: bytes = b"k") -> dict[str, str]:
    return day_names(members, room=RoomId(room), day=day, key=key)


@given(MEMBERS, MEMBERS)
def test_everybody_has_one_name_and_keeps_it_whoever_comes_later(members: list[str], later: list[str]) -> None:
    names = named(members)
    assert len(set(names.values())) == len(members)
    assert all(len(name) <= 20 for name in names.values())
    grown = named(members + later)
    assert all(grown[member] == name for member, name in names.items())


def test_nobody_can_be_followed_to_another_room_or_day_or_without_the_key() -> None:
    members = [f"m{n}" for n in range(40)]
    here = named(members)
    assert set(here.values()) <= set(ANIMALS)
    for other in (named(members, room="s"), named(members, day=date(2026, 11, 22)), named(members, key=b"l")):
        assert sum(here[m] == other[m] for m in members) < 8


def test_more_members_than_animals_are_numbered() -> None:
    names = named([f"m{n}" for n in range(len(ANIMALS) + 1)])
    assert names[f"m{len(ANIMALS)}"].endswith(" 2")

from datetime import UTC, time
from pathlib import Path

import pytest

from models.errors import SettingsError
from models.settings import MannersSettings, Rooms, RoomTable, load_settings
from models.toml import dump_settings

QUESTION = """
[[question]]
id = "complaint"
text = "Is it a complaint?"
definition = "complaint: does the message complain?"
positive = "yes"
options = [{ id = "yes", wording = "yes" }, { id = "no", wording = "no" }]
"""
ROOMS = """
[manners]
replies_per_hour = 7
quiet_hours = "22:00-07:30"
time_zone = "Asia/Shanghai"
[[room]]
id = "!*:example.org"
mode = "label"
mention_only = true
[[room]]
id = "!one:example.org"
mode = "train"
training_rights = true
language = "zh"
quiet_hours = ""
replies_per_hour = 0
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text + QUESTION, encoding="utf-8")
    return path


def test_the_exact_room_comes_before_patterns_and_those_before_the_manners(tmp_path):
    rooms = load_settings(write(tmp_path, ROOMS)).rooms()
    one, other, unknown = (rooms.of(name) for name in ("!one:example.org", "!two:example.org", "elsewhere"))
    assert (one.mode, one.training_rights, one.language, one.quiet, one.replies_per_hour) == (
        "train",
        True,
        "zh",
        None,
        0,
    )
    assert not one.mention_only
    assert (other.mode, other.mention_only, other.replies_per_hour) == ("label", True, 7)
    assert other.quiet == (time(22), time(7, 30))
    assert str(other.zone) == "Asia/Shanghai"
    assert (unknown.mode, unknown.training_rights, unknown.mention_only) == ("listen", False, False)
    assert rooms.of("!one:example.org") is one


def test_a_room_id_with_brackets_is_found_as_it_stands():
    rooms = Rooms(MannersSettings(), [RoomTable(id="[dev]", mode="label"), RoomTable(id="d?", mode="off")])
    assert [rooms.of(name).mode for name in ("[dev]", "dv", "d", "")] == ["label", "off", "listen", "listen"]
    assert rooms.of("dv").zone is UTC


@pytest.mark.parametrize(
    ("text", "piece"),
    [
        ('[manners]\nquiet_hours = "25:00-07:00"', "manners.quiet_hours"),
        ('[manners]\nquiet_hours = "07:00-07:00"', "ends when it begins"),
        ('[manners]\ntime_zone = "Mars/Olympus"', "no time zone 'Mars/Olympus'"),
        ('[manners]\ntime_zone = "../etc/passwd"', "no time zone"),
        ('[[room]]\nid = "a"\nmode = "all"', "room.0.mode"),
        ('[[room]]\nid = "a"\n[[room]]\nid = "a"', "room.1: room 'a' stands twice"),
        ('[[room]]\nmode = "off"', "room.0.id"),
        ("[[room]]\nid = 3\n[[room]]\nid = 3", "room.0.id"),
        ("room = 3", "room"),
    ],
)
def test_faults_in_rooms_are_named(tmp_path, text, piece):
    with pytest.raises(SettingsError, match="fault") as fault:
        load_settings(write(tmp_path, text))
    assert piece in str(fault.value)


def test_rooms_survive_being_written_and_read(tmp_path):
    settings = load_settings(write(tmp_path, ROOMS))
    again = tmp_path / "again.toml"
    again.write_text(dump_settings(settings), encoding="utf-8")
    assert load_settings(again).room == settings.room
    assert load_settings(again).manners == settings.manners

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.consent import Mode, Modes, agreed, lower
from models.settings import MannersSettings, Rooms, RoomTable
from models.store import consent
from models.store.database import open_database

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
MODES = st.sampled_from(list(Mode))


@given(MODES, MODES)
def test_the_lower_of_two_modes_allows_what_both_allow(first, second):
    both = lower(first, second)
    assert both in (first, second)
    assert all(both.allows(mode) == (first.allows(mode) and second.allows(mode)) for mode in Mode)


@pytest.mark.parametrize("platform", ["telegram", "slack", "discord"])
def test_terms_that_restrict_training_take_a_mode_down_unless_somebody_has_the_right(platform):
    held = agreed(Mode.TRAIN, platform, training_rights=False)
    assert held.mode is Mode.LABEL
    assert "training_rights" in held.lowered
    assert agreed(Mode.TRAIN, platform, training_rights=True).mode is Mode.TRAIN
    assert agreed(Mode.LABEL, platform, training_rights=False).lowered is None
    assert agreed(Mode.TRAIN, "matrix", training_rights=False).mode is Mode.TRAIN


def test_a_room_that_no_table_fits_only_listens():
    modes = Modes(Rooms(MannersSettings(), [RoomTable(id="a*", mode="train"), RoomTable(id="off", mode="off")]))
    found = [modes.of(room, "matrix").mode for room in ("any", "abc", "off")]
    assert found == [Mode.TRAIN, Mode.TRAIN, Mode.OFF]
    assert modes.of("other", "matrix").mode is Mode.LISTEN


def test_the_last_word_about_a_room_or_all_rooms_counts(tmp_path):
    db = open_database(tmp_path)
    for act, room, expected in (
        (consent.opt_out, "r", (True, False)),
        (consent.opt_out, None, (True, True)),
        (consent.opt_in, "r", (False, True)),
        (consent.opt_in, None, (False, False)),
    ):
        act(db, "ann", room, NOON)
        outs = consent.opt_outs(db)
        assert (consent.is_out(db, "ann", "r"), consent.is_out(db, "ann", "q")) == expected
        assert (outs.is_out("ann", "r"), outs.is_out("ann", "q")) == expected
        assert not outs.is_out("bob", "r")
    assert consent.news(db, outs.seq, 0).opt_outs is None
    assert consent.news(db, 0, 0).opt_outs == outs


def test_a_room_is_told_once_and_again_when_its_mode_allows_more(tmp_path):
    db = open_database(tmp_path)
    assert consent.begin_introduction(db, "r", Mode.LABEL, NOON)
    assert not consent.begin_introduction(db, "r", Mode.LABEL, NOON)  # killed in between: not said twice
    consent.end_introduction(db, "r", told=False)
    assert consent.begin_introduction(db, "r", Mode.LABEL, NOON)
    consent.end_introduction(db, "r", told=True)
    assert not consent.begin_introduction(db, "r", Mode.LISTEN, NOON)
    assert consent.begin_introduction(db, "r", Mode.TRAIN, NOON)

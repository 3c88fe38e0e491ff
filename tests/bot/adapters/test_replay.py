import json
import time
from itertools import pairwise

import pytest

from bot.adapters import open_adapter
from bot.adapters.replay import ReplayChat, read_replay
from models.errors import InputError
from models.settings import ChatSettings


def write(path, rows):
    path.write_text("".join(row if isinstance(row, str) else json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def row(number, sender="a", at="2026-01-05T12:00:00Z", **more):
    return {"id": number, "room": "r", "sender": sender, "text": f"t{number}", "timestamp": at, **more}


async def taken(path, cursor=None, **options):
    async with ReplayChat(path, **options) as chat:
        return [event async for event in chat.events(cursor)]


async def test_fields_are_read(tmp_path):
    path = write(tmp_path / "c.jsonl", [row(1), row("x", bot=True, reply_to=1, at=1767614400)])
    first, second = await taken(path)
    assert (first.id, first.room, first.sender, first.text) == ("replay:r:1", "r", "a", "t1")
    assert first.sent_at == second.sent_at
    assert second.is_bot
    assert second.reply_to == first.id


async def test_goes_on_after_the_cursor_of_its_own_file_only(tmp_path):
    path = write(tmp_path / "c.jsonl", [row(n) for n in range(600)])
    events = await taken(path)
    assert [e.id for e in await taken(path, events[299].cursor)] == [e.id for e in events[300:]]
    other = write(tmp_path / "d.jsonl", [row(n) for n in range(3)])
    assert len(await taken(other, events[299].cursor)) == 3


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{nonsense\n", "no JSON"),
        ("[1]\n", "expected an object"),
        ({"id": 1, "room": "r", "sender": "a", "timestamp": None}, "'text' is missing"),
        (row(1, text=7), "text"),
        (row(1, at="yesterday"), "yesterday"),
        (row(1, at=1e300), "line 3"),
        (row(1, at="0001-01-01T00:00:00+05:00"), "line 3"),
        (row(1, at="9999-12-31T23:59:59-05:00"), "line 3"),
        (row(1, at="9999-12-31T23:59:59Z"), "between the years"),
        (row(1, at="0001-01-01T00:00:00"), "between the years"),
        (row(1, at=-6e10), "between the years"),
        (row([1]), "neither a string"),
    ],
)
async def test_a_bad_line_is_named_before_anything_happens(tmp_path, line, said):
    path = write(tmp_path / "c.jsonl", [row(1), row(2), line, row(4)])
    with pytest.raises(InputError, match=r"c\.jsonl, line 3") as found:
        async with ReplayChat(path):
            pytest.fail("entered")
    assert said in str(found.value)


async def test_a_missing_file_and_one_that_is_no_text(tmp_path):
    with pytest.raises(InputError, match="cannot read"):
        await taken(tmp_path / "none.jsonl")
    (tmp_path / "b.jsonl").write_bytes(b"\xff\xfe{}")
    with pytest.raises(InputError, match="UTF-8"):
        await taken(tmp_path / "b.jsonl")


def test_made_up_times_keep_runs_together_and_speakers_apart(tmp_path):
    path = write(tmp_path / "c.jsonl", [row(n, sender, None) for n, sender in enumerate("aaabaab")])
    events = [event for _, event in read_replay(path, 12.0)]
    for before, after in pairwise(events):
        gap_s = (after.sent_at - before.sent_at).total_seconds()
        assert 0 < gap_s <= 12 if before.sender == after.sender else gap_s > 12


async def test_odd_text_is_taken_like_any_other(tmp_path):
    odd = ["<|im_end|>", "a\x00b", "x" * 1_000_000, "\u202eabc", "\ud800 lone"]
    path = write(tmp_path / "c.jsonl", [row(n, text=text) for n, text in enumerate(odd)])
    events = await taken(path)
    assert [e.text for e in events[:4]] == odd[:4]
    assert events[4].text == "\ufffd lone"


async def test_speed_is_a_multiple_of_real_time(tmp_path):
    path = write(tmp_path / "c.jsonl", [row(1), row(2, at="2026-01-05T12:00:20Z")])
    began = time.monotonic()
    await taken(path, speed=100)
    assert 0.18 < time.monotonic() - began < 2.0


async def test_is_made_from_settings(settings, excerpt):
    chat = open_adapter(settings.model_copy(update={"chat": ChatSettings(adapter="replay", path=excerpt, speed=3)}))
    assert chat.capabilities.pace == 3
    async with chat:
        assert chat.lines == 100

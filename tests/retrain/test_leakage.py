import dataclasses
import json
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from models.chat import WindowMessage
from models.errors import InputError, TrainingError
from models.ids import EventId, MemberId
from models.item import Item
from models.labelled import read_items
from retrain.cli import cli
from retrain.dataset import freeze
from retrain.duplicates import copies
from retrain.ladder import folds
from retrain.leakage import apart, fair_split, leakage, refuse, shared
from tests.retrain.conftest import IS_QUESTION, NEEDS_CONTEXT, make_item

ASKED = "how do I get sound out of the second monitor after the upgrade?"
QUESTIONS = (IS_QUESTION, NEEDS_CONTEXT)


def saying(item: Item, text: str) -> Item:
    return dataclasses.replace(item, burst=dataclasses.replace(item.burst, text=text))


def frozen(items: list[Item], folder: Path):
    at = datetime(2026, 2, 1, tzinfo=UTC)
    return freeze(items, QUESTIONS, folder, holdout_share=0.3, folds=2, frozen_at=at)


def test_parts_that_share_nothing_are_clean_and_shared_rooms_are_told() -> None:
    items = [make_item(i) for i in range(60)]
    found = leakage(items[:40], items[40:50], items[50:])
    assert not found.faults
    assert found.rooms == 1
    refuse(found, "d")
    by_room = leakage(items[:40], items[40:50], items[50:], by_room=True)
    with pytest.raises(TrainingError, match="split by room"):
        refuse(by_room, "d")


@pytest.mark.parametrize(
    ("text", "fault"), [(ASKED.upper(), "exact"), (f"hello, {ASKED}", "near"), (f"well\n{ASKED}", "messages")]
)
def test_a_planted_copy_fails_the_run_with_a_sentence(text: str, fault: str) -> None:
    items = [make_item(i) for i in range(60)]
    items[3], items[55] = saying(items[3], text), saying(items[55], ASKED)
    found = leakage(items[:40], items[40:50], items[50:])
    assert getattr(found, fault) == 1
    with pytest.raises(TrainingError, match=r"abc leaks from holdout to training: .*1 training item"):
        refuse(found, "abc")
    kept = apart(items[:40], items[40:])
    assert [len(kept.showing), len(kept.copied)] == [fault == "messages", fault != "messages"]
    assert not leakage(kept.kept, items[40:50], items[50:]).faults


def test_a_conversation_in_two_parts_fails_the_run() -> None:
    items = [make_item(i) for i in range(60)]
    assert leakage(items[:35], items[35:50], items[50:]).conversations == 1
    assert leakage(items[:30], items[30:45], items[45:]).conversations == 1


def test_a_message_in_two_windows_is_found_by_its_id_whoever_it_is_called_there() -> None:
    seen = WindowMessage(sender="bob", text="ok", id=EventId("$1"))
    first, second = (
        dataclasses.replace(make_item(i), burst=dataclasses.replace(make_item(i).burst, window=(seen,)))
        for i in (1, 51)
    )
    assert shared([first], [second]).showing == (0,)
    nameless = dataclasses.replace(seen, id=None)
    first, second = (
        dataclasses.replace(i, burst=dataclasses.replace(i.burst, window=(nameless,))) for i in (first, second)
    )
    assert shared([first], [second]).showing == (), "'ok' alone says nothing"


def test_two_files_get_a_warning_for_copies_and_an_error_for_a_common_conversation(tmp_path: Path) -> None:
    rows = {
        "train": [{"text": ASKED, "is_question": "yes"}, {"text": "done", "is_question": "no", "conv": "c"}],
        "dev": [{"text": ASKED.title(), "is_question": "yes"}, {"text": "done", "is_question": "no", "conv": "d"}],
        "same": [{"text": "well", "is_question": "no", "conv": "c"}],
    }
    items = {}
    for name, some in rows.items():
        path = tmp_path / name
        path.write_text("".join(json.dumps(row) + "\n" for row in some))
        items[path] = read_items(path, QUESTIONS)
    train, dev, same = items
    told = fair_split(train, items[train], dev, items[dev])
    assert told is not None
    assert "of 2 rows of dev, 1 have an exact copy in train" in told
    with pytest.raises(InputError, match="share 1 conversations, c among them"):
        fair_split(train, items[train], same, items[same])
    assert fair_split(dev, items[dev], same, items[same]) is None
    run = CliRunner().invoke(cli, ["dataset", "leakage", str(train), str(dev), "--json"], catch_exceptions=False)
    assert json.loads(run.stdout) == {
        "rows": {"train": 2, "dev": 2},
        "conversations": 0,
        "rooms": 0,
        "messages": {"train": 0, "dev": 0},
        "exact": {"train": 1, "dev": 1},
        "near": {"train": 0, "dev": 0},
        "letters": 20,
    }
    shown = CliRunner().invoke(cli, ["dataset", "leakage", str(train), str(dev)], catch_exceptions=False)
    assert "exact: How Do I Get Sound" in shown.stdout


def test_files_name_rooms_as_they_like() -> None:
    here, there = saying(make_item(1, room="a"), f"so\n{ASKED}"), saying(make_item(2, room="b"), f"{ASKED}\nplease")
    assert shared([here], [there]).showing == ()
    assert shared([here], [there], files=True).showing == (0,)


def test_freezing_leaves_out_of_training_what_the_holdout_says_even_if_only_a_secret_told_it_apart(
    tmp_path: Path,
) -> None:
    items = [make_item(i) for i in range(100)]
    items[3] = saying(items[3], f"{ASKED} it was 4.4.4.4 before")
    items[5] = saying(items[5], "my server at 93.184.216.34 answers no more, what can that be?")
    items[95] = saying(items[95], ASKED)
    items[97] = saying(items[97], "my server at 8.8.8.8 answers no more, what can that be?")
    items[96] = saying(items[96], f"{ASKED} it was 9.9.9.9 before")
    dataset = frozen(items, tmp_path)
    left = {item.burst.id for item in dataset.train}
    assert {items[3].burst.id, items[5].burst.id}.isdisjoint(left)
    assert len(left) == 68
    assert not dataset.leakage.faults
    assert {items[95].burst.id, items[97].burst.id} <= {i.burst.id for i in (*dataset.calibration, *dataset.gate)}


def test_friendly_names_hide_no_shared_message(tmp_path: Path) -> None:
    line = "the whole build server is down again since this morning"
    items = [make_item(i) for i in range(100)]
    asker = dataclasses.replace(items[69].burst, sender=MemberId("cora"), text=f"look\n{line}")
    items[69] = dataclasses.replace(items[69], burst=asker)
    shown = dataclasses.replace(items[99].burst, window=(WindowMessage(sender="cora", text=line),))
    items[99] = dataclasses.replace(items[99], burst=shown)
    dataset = frozen(items, tmp_path)
    assert items[69].burst.id not in {item.burst.id for item in dataset.train}


def test_folds_keep_copies_apart_too() -> None:
    items = [make_item(i) for i in range(40)]
    items[2], items[31] = saying(items[2], ASKED), saying(items[31], ASKED)
    for learned, judged in folds(items, 2):
        assert len(learned) == 19
        assert not copies([i.burst.text for i in learned], [i.burst.text for i in judged]).either


def test_thousands_of_items_take_seconds() -> None:
    words = [f"w{n * 7919 % 997}" for n in range(4000)]
    texts = [f"please help me {' '.join(words[n : n + 8])} thanks in advance" for n in range(1200)]
    began = time.process_time()
    copies(texts[:1000], texts[1000:])
    assert time.process_time() - began < 5

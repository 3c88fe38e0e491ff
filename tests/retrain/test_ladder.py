import dataclasses
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.chat import WindowMessage
from models.errors import SettingsError, TooFewLabels, TrainingError
from retrain.ladder import Rung, folds, rising, shipped_adapter
from tests.retrain.conftest import make_item


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 12), min_size=3, max_size=15), st.sampled_from([2, 3]))
def test_every_item_is_scored_once_by_who_never_saw_its_conversation(sizes: list[int], count: int) -> None:
    names = [f"c{i:02}" for i, size in enumerate(sizes) for _ in range(size)]
    items = [make_item(10 * i, conversation=name) for i, name in enumerate(names)]
    cut = folds(items, count)
    assert len(cut) == count
    held = [item.burst.id for _, part in cut for item in part]
    assert sorted(held) == sorted(item.burst.id for item in items)
    for others, part in cut:
        assert others
        assert part
        assert not {i.conversation for i in others} & {i.conversation for i in part}


def test_windows_at_the_cut_are_left_out() -> None:
    items = [make_item(i) for i in range(100)]
    (others, held), _ = folds(items, 2)
    assert len(held) == 50
    assert len(others) == 50
    near = [make_item(i, conversation=f"c{i // 10}") for i in range(95)]
    linked = [
        item if item.burst.window else make_item(i + 1, conversation=item.conversation) for i, item in enumerate(near)
    ]
    for others, held in folds(linked, 2):
        assert not {m.text for i in others for m in i.burst.window} & {m.text for i in held for m in i.burst.window}


def test_too_few_conversations_are_said() -> None:
    with pytest.raises(TrainingError, match="label more"):
        folds([make_item(i, conversation="one") for i in range(30)], 2)


def test_a_fold_is_never_trained_on_what_it_shows() -> None:
    shown = WindowMessage(sender="bob", text="a message that every window here shows")
    items = [make_item(i) for i in range(40)]
    alike = [dataclasses.replace(item, burst=dataclasses.replace(item.burst, window=(shown,))) for item in items]
    with pytest.raises(TooFewLabels, match=r"all 20 .* more conversations"):
        folds(alike, 2)


def test_rungs_must_rise() -> None:
    def rung(parameters: int) -> Rung:
        return Rung(name=str(parameters), base="", parameters=parameters, seconds=0.0, vanilla={}, tuned={})

    rising([rung(1), rung(2), rung(3)])
    for sizes in ((2, 1), (1, 1)):
        with pytest.raises(SettingsError, match="rise in size"):
            rising([rung(size) for size in sizes])


def test_only_the_tuned_starter_has_a_shipped_adapter(tmp_path: Path) -> None:
    assert shipped_adapter("starter-base-l") is None
    assert shipped_adapter(str(tmp_path)) is None

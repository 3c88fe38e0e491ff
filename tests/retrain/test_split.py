import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.chat import WindowMessage
from models.errors import TooFewLabels
from retrain.split import Traces, split
from tests.retrain.conftest import make_item


@settings(max_examples=60, deadline=None)
@given(st.integers(60, 200), st.sets(st.integers(0, 19), max_size=3), st.floats(0.1, 0.6), st.sampled_from([2, 3]))
def test_conversations_stay_whole_and_audit_is_never_trained_on(
    count: int, audited: set[int], share: float, folds: int
) -> None:
    items = [make_item(i, audit=i // 10 in audited) for i in range(count)]
    try:
        parts = split(items, holdout_share=share, folds=folds)
    except TooFewLabels:
        assert len(audited) >= 2, "only audits can starve the training part here"
        return
    names = [{i.conversation for i in part} for part in (parts.train, parts.calibration, parts.gate)]
    assert not (names[0] & names[1])
    assert not (names[0] & names[2])
    assert not (names[1] & names[2])
    assert all(names)
    assert len(names[0]) >= folds
    assert not any(item.audit for item in parts.train)
    everything = [*parts.train, *parts.calibration, *parts.gate, *parts.dropped]
    assert sorted(i.burst.id for i in everything) == sorted(i.burst.id for i in items)
    if not audited:
        held = [*parts.calibration, *parts.gate]
        assert min(i.burst.started_at for i in held) > max(i.burst.started_at for i in parts.train)
        assert len(held) >= share * count or len(names[0]) == folds


def test_what_overlaps_the_holdout_is_dropped() -> None:
    items = [make_item(i) for i in range(100)]
    last_of_training = items[69]
    shown = WindowMessage(sender=last_of_training.burst.sender, text="a message that is long enough to be known")
    items[69] = dataclasses.replace(
        last_of_training, burst=dataclasses.replace(last_of_training.burst, text=f"well\n{shown.text}")
    )
    items[70] = dataclasses.replace(items[70], burst=dataclasses.replace(items[70].burst, window=(shown,)))
    parts = split(items, holdout_share=0.3, folds=2)
    assert [i.burst.id for i in parts.dropped] == [last_of_training.burst.id]


def test_a_short_message_alone_is_no_overlap() -> None:
    def saying(*lines: str) -> Traces:
        window = tuple(WindowMessage(sender="bob", text=line) for line in lines)
        return Traces([dataclasses.replace(make_item(1).burst, id="x", message_ids=(), window=window, text="zzz")])

    burst = dataclasses.replace(
        make_item(2).burst, message_ids=(), window=(WindowMessage(sender="bob", text="ok"),), text="yes"
    )
    assert not saying("ok", "fine").meet(burst)
    two = dataclasses.replace(burst, window=(*burst.window, WindowMessage(sender="bob", text="fine")))
    assert saying("ok", "fine").meet(two)
    assert not saying("ok", "fine").meet(dataclasses.replace(two, room="elsewhere"))


def test_the_halves_are_about_equal() -> None:
    parts = split([make_item(i) for i in range(400)], holdout_share=0.5, folds=2)
    assert abs(len(parts.calibration) - len(parts.gate)) <= 10


@pytest.mark.parametrize(
    ("count", "conversation", "said"), [(10, None, "14 more"), (60, "one", "3 more"), (30, None, "1 more")]
)
def test_too_few_labels_say_how_many_are_missing(count: int, conversation: str | None, said: str) -> None:
    items = [make_item(i, conversation=conversation) for i in range(count)]
    with pytest.raises(TooFewLabels, match=said):
        split(items, holdout_share=0.3, folds=2)


def test_what_may_only_be_labelled_is_never_trained_on() -> None:
    items = [make_item(i) for i in range(100)]
    labelled = [dataclasses.replace(item, trainable=number % 40 >= 10) for number, item in enumerate(items)]
    parts = split(labelled, holdout_share=0.3, folds=2)
    assert all(item.trainable for item in parts.train)
    held = {item.burst.id for item in (*parts.calibration, *parts.gate)}
    assert {item.burst.id for item in labelled if not item.trainable} <= held

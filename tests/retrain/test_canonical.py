import dataclasses
import json

from hypothesis import given
from hypothesis import strategies as st

from models.chat import WindowMessage
from models.merkle import canonical, leaf, merkle_root
from retrain.canonical import item_body, item_of
from tests.retrain.conftest import make_item

HASHES = st.lists(st.text("0123456789abcdef", min_size=64, max_size=64), min_size=1, max_size=12)


@given(HASHES, st.data())
def test_the_root_changes_with_every_leaf(leaves: list[str], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(leaves) - 1))
    changed = [*leaves]
    changed[place] = leaf("something else")
    assert (merkle_root(changed) == merkle_root(leaves)) == (changed == leaves)
    assert merkle_root([*leaves, leaf("more")]) != merkle_root(leaves)


@given(st.text(alphabet=st.characters(), max_size=40))
def test_any_text_survives(text: str) -> None:
    import dataclasses

    item = make_item(4)
    burst = dataclasses.replace(item.burst, text=text, window=(WindowMessage(sender="x", text=text),))
    item = dataclasses.replace(item, burst=burst)
    line = canonical(item_body(item))
    assert item_of(json.loads(line)) == item
    assert "\n" not in line
    assert leaf(line) == leaf(canonical(item_body(item_of(json.loads(line)))))


def test_lone_surrogates_survive() -> None:
    line = canonical({"text": "a\ud800b"})
    assert json.loads(line)["text"] == "a\ud800b"
    assert len(leaf(line)) == 64


def test_what_may_not_be_trained_on_says_so_and_older_hashes_stay() -> None:
    item = make_item(1)
    assert "trainable" not in item_body(item)
    held = dataclasses.replace(item, trainable=False)
    assert item_of(item_body(held)) == held

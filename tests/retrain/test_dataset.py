import json
import random
import resource
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from models.chat import WindowMessage
from models.errors import ExportError, TrainingError
from models.ids import MemberId
from models.merkle import leaf
from retrain.dataset import Dataset, freeze, read_dataset
from tests.retrain.conftest import IS_QUESTION, NEEDS_CONTEXT, make_item

QUESTIONS = (IS_QUESTION, NEEDS_CONTEXT)


def frozen(folder: Path, count: int = 100) -> Dataset:
    at = datetime(2026, 2, 1, tzinfo=UTC)
    items = [make_item(i) for i in range(count)]
    return freeze(items, QUESTIONS, folder, holdout_share=0.3, folds=2, frozen_at=at)


def test_the_same_items_freeze_to_the_same_folder(tmp_path: Path) -> None:
    first, again = frozen(tmp_path), frozen(tmp_path)
    assert first == again
    assert [p.name for p in (tmp_path / "datasets").iterdir()] == [first.id]
    assert frozen(tmp_path, 101).id != first.id
    assert len(first.train) == 70
    assert first.size == 100
    card = json.loads((first.path / "card.json").read_text())
    assert card["train"]["answers"]["is_question"] == {"yes": 35, "no": 35}
    assert card["question_versions"] == {q.id: q.version for q in QUESTIONS}


def words(number: int) -> str:
    """Five words that no other number gives: what says the same as the holdout is not trained on."""
    rng = random.Random(number)
    return " ".join("".join(rng.choices("abcdefghijklmnop", k=9)) for _ in range(5))


def test_no_frozen_file_holds_names_or_what_is_to_be_masked(tmp_path: Path) -> None:
    secrets = ("joe@example.org", "93.184.216.34", "hunter2", "4111 1111 1111 1111", "13800138000")
    items = [make_item(i) for i in range(100)]
    telling = [
        replace(
            item,
            burst=replace(
                item.burst,
                sender=MemberId("joe@example.org"),
                text=f"how? {words(number)} my ip is 93.184.216.34, password=hunter2",
                window=(
                    WindowMessage(
                        sender="13800138000", text=f"{number}: card 4111 1111 1111 1111, joe@example.org: hm"
                    ),
                ),
            ),
        )
        for number, item in enumerate(items)
    ]
    at = datetime(2026, 2, 1, tzinfo=UTC)
    dataset = freeze(telling, QUESTIONS, tmp_path, holdout_share=0.3, folds=2, frozen_at=at)
    held = "".join(path.read_text() for path in dataset.path.iterdir())
    assert "[ip], password=[secret]" in held
    assert "card [card], S: hm" in held
    for secret in secrets:
        assert secret not in held


def test_a_changed_item_is_noticed(tmp_path: Path) -> None:
    path = frozen(tmp_path).path
    lines = (path / "items.jsonl").read_text()
    (path / "items.jsonl").write_text(lines.replace("how do I do 4?", "how do I do 5?"))
    with pytest.raises(TrainingError, match="changed after it was frozen"):
        read_dataset(path)
    (path / "items.jsonl").write_text(lines[: len(lines) // 2])
    with pytest.raises(TrainingError):
        read_dataset(path)


def test_changed_question_versions_are_noticed(tmp_path: Path) -> None:
    path = frozen(tmp_path).path
    card = json.loads((path / "card.json").read_text())
    card["question_versions"]["is_question"] = "another"
    (path / "card.json").write_text(json.dumps(card))
    with pytest.raises(TrainingError, match="changed"):
        read_dataset(path)


def test_an_erased_item_leaves_a_tombstone_and_the_hash_holds(tmp_path: Path) -> None:
    dataset = frozen(tmp_path)
    path = dataset.path / "items.jsonl"
    lines = path.read_text().splitlines()
    lines[3] = json.dumps({"tombstone": leaf(lines[3])})
    path.write_text("\n".join(lines) + "\n")
    after = read_dataset(dataset.path)
    assert after.id == dataset.id
    assert after.erased == 1
    assert len(after.train) == len(dataset.train) - 1


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, before[1]))
    try:
        with pytest.raises(ExportError, match="nothing was written"):
            frozen(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list((tmp_path / "datasets").iterdir()) == []

import dataclasses
import json
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from models.errors import InputError, TrainingError
from models.frozen import bury, holdings
from models.ids import BurstId, MemberId, OptionId, RequestId, RoomId
from models.labels import IMPORTED, Label, Purpose, Response, ResponseStatus
from models.store.database import open_database
from models.toml import dump_settings
from retrain.card import Origins
from retrain.cli import cli
from retrain.cycle import frozen as freeze_store
from retrain.dataset import Dataset, freeze, read_dataset
from tests.retrain.conftest import IS_QUESTION, NEEDS_CONTEXT, fill_store, make_item, make_settings

AT = datetime(2026, 2, 1, tzinfo=UTC)
ROOM = "!kHzQpS:matrix.example.org"
ITEMS = [
    dataclasses.replace(
        item,
        burst=dataclasses.replace(
            item.burst,
            room=RoomId(ROOM if number < 80 else "elsewhere"),
            platform="matrix" if number < 80 else IMPORTED,
            sender=MemberId("joe"),
            text=item.burst.text if number % 10 else f"{number}: 请问怎么办 ip 93.184.216.{number + 1}",
        ),
    )
    for number, item in enumerate(make_item(i) for i in range(100))
]


def answer(burst: str, who: str, option: str) -> tuple[BurstId, Purpose, Response]:
    said = Response(
        request=RequestId(f"r{burst}"),
        annotator=who,
        answers={IS_QUESTION.id: OptionId(option)},
        status=ResponseStatus.SUBMITTED,
        submitted_at=AT,
    )
    return BurstId(burst), Purpose.OVERLAP if who == "bea" else Purpose.ASK, said


def made(folder: Path) -> Dataset:
    labels = [
        Label(
            burst=item.burst.id,
            question=question,
            question_version="v",
            option=option,
            responses=2,
            labelled_at=AT,
            annotators=("ann", "bea"),
            source="paper" if item.burst.platform == IMPORTED else None,
        )
        for item in ITEMS
        for question, option in item.answers.items()
    ]
    votes = [("b00001", "yes", "yes"), ("b00002", "no", "no"), ("b00003", "yes", "no"), ("b00004", "yes", "yes")]
    given = [
        answer(burst, who, option) for burst, *both in votes for who, option in zip(("ann", "bea"), both, strict=True)
    ]
    origins = Origins(
        labels=labels,
        answered=[*given, answer("b99999", "ann", "yes"), answer("b99999", "bea", "no")],
        rights=lambda _room, platform: f"mode train on {platform}",
        licences={"paper": "CC-BY-4.0"},
    )
    return freeze(
        ITEMS, (IS_QUESTION, NEEDS_CONTEXT), folder, holdout_share=0.3, folds=2, frozen_at=AT, origins=origins
    )


def test_a_card_tells_all_that_is_asked_and_no_room_or_member(tmp_path: Path) -> None:
    folder = made(tmp_path).path
    card = json.loads((folder / "card.json").read_text())
    assert card["questions"]["is_question"]["version"] == IS_QUESTION.version
    assert card["questions"]["is_question"]["options"]["yes"] == "yes"
    assert card["span"] == {"from": "2026-01-01", "to": "2026-01-01"}
    # Units 1 to 4: of 8 values 5 yes, 3 no; one unit differs: alpha = 1 - 7 * 2 / (64 - 25 - 9) = 0.533.
    assert card["agreement"]["is_question"] == {"alpha": 0.5333, "bursts": 4}
    assert card["agreement"]["needs_context"] == {"alpha": None, "bursts": 0}
    assert [(r["name"], r["platform"], r["licence"], r["rights"]) for r in card["rooms"]] == [
        ("room 1", "matrix", "own chat", "mode train on matrix"),
        ("room 2", IMPORTED, "CC-BY-4.0", "imported for training"),
    ]
    assert sum(card["rooms"][0][part] for part in ("train", "calibration", "gate")) == 80
    assert card["labels"]["annotators"] == 2
    assert card["labels"]["sources"] == {"paper": {"labels": 30, "licence": "CC-BY-4.0"}}
    assert card["languages"]["train"]["Chinese"] == 7
    assert card["masked"] == {"ip": 10}
    assert card["leakage"]["near"] == 0
    people = (folder / "card.md").read_text()
    assert "alpha 0.533, 4 burst(s)" in people
    for told in (people, json.dumps(card)):
        assert ROOM not in told
        assert "joe" not in told
        assert "how do I do" not in told


def test_erased_items_are_counted_on_the_card_and_the_rest_stays_provable(tmp_path: Path) -> None:
    dataset = made(tmp_path)
    [held] = holdings(tmp_path, {BurstId("b00003"), BurstId("b00005")})
    bury(tmp_path, held)
    assert read_dataset(dataset.path).erased == 2
    assert json.loads((dataset.path / "card.json").read_text())["erased"] == 2
    assert "Erased since: 2" in (dataset.path / "card.md").read_text()
    (dataset.path / "card.md").unlink()
    (dataset.path / "card.json").write_text("{")
    [held] = holdings(tmp_path, {BurstId("b00007")})
    bury(tmp_path, held)
    assert "b00007" not in (dataset.path / "items.jsonl").read_text(), "a damaged card hinders no erasure"


def test_the_store_tells_a_frozen_dataset_where_its_labels_come_from_and_commands_show_it(tmp_path: Path) -> None:
    settings = make_settings(tmp_path, (tmp_path,), tmp_path)
    fill_store(settings, [make_item(i) for i in range(60)])
    with closing(open_database(settings.data_dir)) as db:
        dataset = freeze_store(settings, db, AT)
    config = tmp_path / "config.toml"
    config.write_text(dump_settings(settings))

    def run(*words: str) -> str:
        done = CliRunner().invoke(cli, ["dataset", *words, "--config", str(config)], catch_exceptions=False)
        assert done.exit_code == 0
        return done.stdout

    [row] = json.loads(run("list", "--json"))
    assert (row["id"], row["erased"], row["verified"]) == (dataset.id, 0, True)
    assert dataset.id[:12] in run("list")
    card = json.loads(run("show", dataset.id[:8], "--json"))
    assert card["labels"]["labels"] == 90
    assert card["rooms"][0]["rights"] == "mode train"
    assert "## Rooms and rights" in run("show", dataset.id)
    assert "nothing leaks" in run("verify")
    [proved] = json.loads(run("verify", dataset.id[:8], "--burst", "b00007", "--json"))
    assert proved["proof"]["path"]
    with pytest.raises(InputError, match="begins with 'zz'"):
        run("show", "zz")
    with pytest.raises(InputError, match="no burst"):
        run("verify", dataset.id, "--burst", "b99999")
    items = dataset.path / "items.jsonl"
    items.write_text(items.read_text().replace("done with 7", "done with 8"))
    with pytest.raises(TrainingError, match="not what was frozen"):
        run("verify", dataset.id)

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from models.errors import InputError
from models.toml import dump_settings
from retrain.candidate import export_named
from retrain.cli import cli
from tests.retrain.conftest import IS_QUESTION, NEEDS_CONTEXT, make_item, make_settings


def write_rows(path: Path, numbers: range, room: str) -> Path:
    rows = []
    for i in numbers:
        item = make_item(i, room=room)
        answers = {"is_question": item.answers[IS_QUESTION.id], "needs_context": item.answers.get(NEEDS_CONTEXT.id)}
        rows.append(
            {
                "id": i,
                "room": f"{room}{i // 10}",
                "sender": "ann",
                "text": item.burst.text,
                "window": [{"sender": "bob", "text": "earlier"}],
                "weight": 1.0 if i % 3 else 4.0,
                **answers,
            }
        )
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def write_scores(path: Path, rows: Path, right: float) -> Path:
    lines = []
    for line in rows.read_text().splitlines():
        row = json.loads(line)
        p = right if row["is_question"] == "yes" else 1 - right
        lines.append(json.dumps({"id": row["id"], "room": row["room"], "is_question": p}))
    path.write_text("\n".join(lines))
    return path


def run(*arguments: object) -> list[dict]:
    ended = CliRunner().invoke(cli, ["bench", "accuracy", *map(str, arguments), "--json"], catch_exceptions=False)
    assert ended.exit_code == 0
    return json.loads(ended.stdout)


@pytest.fixture
def config(tmp_path: Path, checkpoint: Path) -> Path:
    champion = export_named(str(checkpoint), None, tmp_path / "tiny.gguf", "q8_0")
    (tmp_path / "config.toml").write_text(dump_settings(make_settings(tmp_path, (checkpoint,), champion)))
    return tmp_path / "config.toml"


def test_a_model_is_judged_beside_its_peers_on_dev_and_out_of_fold(tmp_path: Path, config: Path) -> None:
    train, dev = (
        write_rows(tmp_path / "train.jsonl", range(120), "t"),
        write_rows(tmp_path / "dev.jsonl", range(60), "d"),
    )
    scores = write_scores(tmp_path / "mine.jsonl", train, 0.8)
    model = tmp_path / "tiny.gguf"
    found = run(train, dev, "--model", model, "--folds", 3, "--scores", scores, "--config", config)
    told = {(m["rows"], m["question"]): m for m in found}
    assert set(told) == {(f, q) for f in ("train.jsonl", "dev.jsonl") for q in ("is_question", "needs_context")}
    on_dev = told["dev.jsonl", "is_question"]
    assert on_dev["labels"] == 60
    assert on_dev["conversations"] == 6
    plain, natural = on_dev["views"]
    assert set(plain["figures"]) == {"rule", "learner", "tiny.gguf"}
    assert plain["figures"]["learner"]["f1"]["value"] > 0.95, "made-up questions are easy to tell by their words"
    assert natural["figures"]["rule"]["f1"]["value"] > 0.95
    assert {d["contender"] for d in plain["differences"]} == {"tiny.gguf"}
    folded = told["train.jsonl", "is_question"]
    assert set(folded["views"][0]["figures"]) == {"rule", "learner", "mine"}
    assert folded["views"][0]["figures"]["mine"]["f1"]["value"] == 1.0
    assert set(told["train.jsonl", "needs_context"]["views"][0]["figures"]) == {"rule", "learner"}


def test_few_rooms_and_missing_scores_are_said(tmp_path: Path, config: Path) -> None:
    train = write_rows(tmp_path / "train.jsonl", range(40), "t")
    scores = write_scores(tmp_path / "mine.jsonl", train, 0.8)
    scores.write_text("\n".join(scores.read_text().splitlines()[:30]))
    [asked, _] = run(train, "--folds", 2, "--scores", scores, "--config", config)
    assert (asked["labels"], asked["unscored"], asked["conversations"]) == (30, 10, 3)
    assert asked["note"].startswith("3 conversations cannot stand for others")
    assert asked["views"][0]["figures"]["mine"]["f1"] == {"value": 1.0, "interval": None}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('{"id": 1, "is_question": 0.5}', "'room' is missing"),
        ('{"id": 1, "room": "t0", "is_question": 1.5}', "no probability"),
        ('{"id": 1, "room": "t0", "is_question": 0.5}\n{"id": 1, "room": "t0", "is_question": 0.5}', "second score"),
    ],
)
def test_faulty_scores_are_explained(tmp_path: Path, config: Path, line: str, told: str) -> None:
    train = write_rows(tmp_path / "train.jsonl", range(40), "t")
    (tmp_path / "bad.jsonl").write_text(line)
    with pytest.raises(InputError, match=told):
        run(train, "--folds", 2, "--scores", tmp_path / "bad.jsonl", "--config", config)


def test_unfair_or_unpaired_files_are_refused(tmp_path: Path, config: Path) -> None:
    train = write_rows(tmp_path / "train.jsonl", range(40), "t")
    with pytest.raises(InputError, match="share 4 conversations"):
        run(train, train, "--config", config)
    with pytest.raises(InputError, match="pairs of files"):
        run(train, "--config", config)
    with pytest.raises(InputError, match="one fold"):
        run(train, "--folds", 1, "--config", config)

import json
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from models.errors import InputError
from retrain.bench.gate.made import Fault, Truth, made_ladder
from retrain.cli import cli
from retrain.scaling.per_item import read_per_item
from retrain.scaling.table import read_table
from tests.retrain.scaling.tables import RUNGS, SIZES, TUNED_F1

CSV = "rung,parameters,F1\n" + "".join(f"{n},{n},{f}\n" for n, f in zip(SIZES, TUNED_F1, strict=True))


def check(path: Path, *more: str) -> str:
    ended = CliRunner().invoke(cli, ["scaling", "check", str(path), *more], catch_exceptions=False)
    assert ended.exit_code == 0
    return ended.stdout


def markdown() -> str:
    figures = list(RUNGS[0].figures)
    lines = [f"| Rung | Parameters | dense | {' | '.join(figures)} |", "|---|--:|:-:|" + "---|" * len(figures)]
    for r in RUNGS:
        cells = " | ".join(f"{r.figures[f]}%" for f in figures)
        lines.append(f"| {r.rung} | {r.parameters / 1e9}B | {'' if r.dense else 'moe'} | {cells} |")
    return "# The paper's tables\n\n" + "\n".join(lines) + "\n"


def test_a_table_says_the_same_in_every_form(tmp_path: Path) -> None:
    (tmp_path / "t.md").write_text(markdown())
    rows = [{"rung": r.rung, "parameters": r.parameters, "dense": r.dense, **r.figures} for r in RUNGS]
    (tmp_path / "t.json").write_text(json.dumps(rows))
    header = ["rung", "parameters", "dense", *RUNGS[0].figures]
    for name, mark in (("t.csv", ","), ("t.tsv", "\t")):
        lines = [mark.join(header), *(mark.join(str(row[column]) for column in header) for row in rows)]
        (tmp_path / name).write_text("\n".join(lines))
    read = [read_table(tmp_path / name) for name in ("t.md", "t.json", "t.csv", "t.tsv")]
    assert all(one == read[0] for one in read)
    assert {r.rung: (r.parameters, r.dense, r.figures) for r in read[0]} == {
        r.rung: (r.parameters, r.dense, r.figures) for r in RUNGS
    }


def test_the_command_names_the_4b_rung_and_shows_the_papers_rule(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(CSV)
    told = check(tmp_path / "t.csv")
    assert "4B stands outside the ladder" in told
    assert "The paper's rule, a rise at every step: broken." in told
    assert re.search(r"Gain when parameters double: \+\S+ \([+-]\S+ to \+\S+, by a line\)\.", told)
    body = json.loads(check(tmp_path / "t.csv", "--json"))
    assert body["readings"][0]["outlying"] == "4B"
    assert len(body["rungs"]) == 6


@pytest.mark.parametrize(
    ("text", "name", "told"),
    [
        ("", "t.csv", "t.csv is empty"),
        ("no table here\n", "t.md", "no table in it"),
        ("rung,parameters,F1\n", "t.csv", "no rung stands in it"),
        ("rung;parameters;F1\na;1B;1\n", "t.csv", "line 1: no column rung or parameters in 'rung;parameters;F1'"),
        ("rung,parameters,F1\na,1e400,1\n", "t.csv", "line 2, column parameters: '1e400' is no number of parameters"),
        (f"rung,parameters,F1\na,{'9' * 999},1\n", "t.csv", r"column parameters: '9{40}\.\.\.' is no number"),
        ("rung,parameters,F1\na,1B,1e308\n", "t.csv", "column F1: '1e308' is out of range"),
        ("rung,parameters,F1\na,1B,60%\nb,2B,.7\n", "t.csv", "line 3, column F1: percent signs"),
        ('rung,parameters,F1\n"a,1B,1\n', "t.csv", "line 2: unexpected end of data; is a quotation mark not closed"),
        ("rung,parameters,F1\na,1B,1\nb,2B,1\nc,2B,1\n", "t.csv", "'b' and 'c' both have 2,000,000,000 parameters"),
        ("rung,parameters,F1\na,1B,x\nb,2B,1\nc,3B,1\n", "t.csv", r"line 2, column F1: 'x' is no number"),
        ("rung,parameters,F1\na,big,1\n", "t.csv", r"line 2, column parameters: 'big' is no number of parameters"),
        ("rung,parameters,dense,F1\na,1B,maybe,1\n", "t.csv", r"line 2, column dense: 'maybe'"),
        ("rung,parameters,F1\na,1B,1,2\n", "t.csv", r"line 2: 4 cells under 3 columns"),
        ("rung,F1\na,1\n", "t.csv", "line 1: no column parameters in 'rung, F1'"),
        ("rung,parameters\na,1B\nb,2B\nc,3B\n", "t.csv", "no column besides"),
        ("rung,parameters,F1,F1\na,1B,1,1\n", "t.csv", "names, each its own"),
        ("rung,parameters,F1\na,1B,1\na,2B,1\n", "t.csv", "line 2, column rung: 'a' stands here more than once"),
        (
            "rung,parameters,F1\na,1B,1\nb,2B,1\n",
            "t.csv",
            "3 dense rungs at the least make a ladder, and there are 2: a, b",
        ),
        ("rung,parameters,F1\na,1B,nan\n", "t.csv", "column F1: 'nan' is no number"),
        ("{}", "t.json", "a list of objects"),
        ("[", "t.json", "no JSON"),
        ("[]", "t.json", "no rung stands in it"),
        ('{"rung": "a"}\n{"rung": "b"}\n', "t.json", r"objects line by line stand in \.jsonl"),
        ('[{"rung": "a", "parameters": 1, "F1": 1}, {"rung": "b", "parameters": 2}]', "t.json", "rung 2, column F1"),
    ],
)
def test_a_damaged_table_is_refused_by_line_and_column(tmp_path: Path, text: str, name: str, told: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=told):
        read_table(tmp_path / name)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read"):
        read_table(tmp_path / "t.csv")
    (tmp_path / "t.csv").write_bytes(b"rung,F1\n\xff\xfe")
    with pytest.raises(InputError, match="line 2: this is not UTF-8 text"):
        read_table(tmp_path / "t.csv")


def lines(labels: int = 300) -> list[dict]:
    truth = Truth(vanilla=(0.65, 0.72, 0.79, 0.86), tuned=(0.8, 0.84, 0.88, 0.92))
    ladder = made_ladder(truth, Fault(), labels, np.random.default_rng(0))
    return [
        {
            "rung": rung,
            "parameters": parameters,
            "arm": arm,
            "id": rows.ids[i],
            "conversation": rows.conversations[i],
            "gold": ("yes", "no")[rows.gold[i]],
            "scores": {"yes": rows.scores[i, 0], "no": rows.scores[i, 1]},
        }
        for arm, judged in (("vanilla", ladder.vanilla), ("tuned", ladder.tuned))
        for rung, parameters, rows in zip(ladder.rungs, ladder.parameters, judged, strict=True)
        for i in range(labels)
    ]


def written(path: Path, rows: list[dict]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_readings_by_item_are_checked_as_the_gate_checks_them(tmp_path: Path) -> None:
    path = written(tmp_path / "items.jsonl", lines())
    [body] = json.loads(check(path, "--json"))
    assert [c["name"] for c in body["checks"]] == [
        "ladder question, vanilla",
        "ladder question, tuned",
        "label noise question",
        "label bias question",
    ]
    assert {c["outcome"] for c in body["checks"]} == {"pass"}
    assert [r["tuned F1"] for r in body["rungs"]] == sorted(r["tuned F1"] for r in body["rungs"])
    told = check(path)
    assert "larger rungs agree better with the labels" in told
    assert "it decides nothing" in told


def test_a_probability_is_enough_and_a_reference_rung_is_not_counted(tmp_path: Path) -> None:
    rows = [row for row in lines() if row["arm"] == "vanilla"]
    for row in rows:
        odds = row["scores"]["yes"] - row["scores"]["no"]
        del row["scores"], row["arm"]
        row |= {"probability": 1 / (1 + np.exp(-odds)), "gold": row["gold"] == "yes"}
    wild = [{**row, "rung": "moe", "parameters": "3B", "dense": False, "probability": 0.5} for row in rows[:300]]
    path = written(tmp_path / "items.jsonl", rows + wild)
    [ladder] = read_per_item(path)
    assert ladder.dense.count(False) == 1
    assert len(ladder.without_reference().vanilla) == 4
    [body] = json.loads(check(path, "--json"))
    assert [c["outcome"] for c in body["checks"]] == ["pass"]
    assert [r["dense"] for r in body["rungs"]].count(False) == 1
    assert "No tuned readings are in the file" in check(path)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"gold": None}, "line 1, column gold: missing"),
        ({"gold": "perhaps"}, "line 1, column gold: 'perhaps' is none of yes, no"),
        ({"arm": "raw"}, "line 1, column arm"),
        ({"scores": {"yes": 1.0}}, "needs probability"),
        ({"scores": {"yes": "a", "no": 1.0}}, r"column scores.yes: 'a' is no number"),
        ({"scores": {"a": 0.0, "b": 0.0}, "gold": "a"}, "no answer 'yes'"),
        ({"probability": 2.0}, "column probability: 2.0 is out of range"),
        ({"weight": 0.0}, "column weight: 0.0 is out of range"),
        ({"parameters": 7}, "told otherwise in another line"),
        ({"id": "1"}, "stands there more than once"),
        ({"id": [1]}, r"line 1, column id: \[1\] is neither a string nor a number"),
        ({"id": "new"}, r"rung 1 \(vanilla\) has no line for 1 of 21 items"),
        ({"conversation": "new"}, "line 21, column conversation: .* and 'new' in line 1"),
        ({"weight": 2.0}, "line 21, column weight: 1.0 for the item .*, and 2.0 in line 1"),
        ({"scores": {"no": 0.0, "yes": 0.0, "unsure": 0.0}}, "column scores: other answers"),
    ],
)
def test_a_damaged_line_is_refused_by_line_and_column(tmp_path: Path, change: dict, told: str) -> None:
    rows = lines(20)
    rows[0] |= change
    with pytest.raises(InputError, match=told):
        read_per_item(written(tmp_path / "items.jsonl", rows))


def test_a_field_that_is_null_is_as_good_as_left_out(tmp_path: Path) -> None:
    rows = [{**row, "question": None, "weight": None, "dense": None, "conversation": None} for row in lines(20)]
    [ladder] = read_per_item(written(tmp_path / "items.jsonl", rows))
    assert ladder.question.id == "question"
    assert len(set(ladder.vanilla[0].conversations)) == 20


def test_the_order_of_answers_within_a_line_does_not_matter(tmp_path: Path) -> None:
    rows = lines(20)
    [ladder] = read_per_item(written(tmp_path / "items.jsonl", rows))
    turned = [
        {**row, "scores": dict(reversed(row["scores"].items())) if i % 2 else row["scores"]}
        for i, row in enumerate(rows)
    ]
    [same] = read_per_item(written(tmp_path / "turned.jsonl", turned))
    assert np.array_equal(same.tuned[0].scores, ladder.tuned[0].scores)


def test_a_probability_may_be_of_the_answer_no(tmp_path: Path) -> None:
    rows = [{**row, "probability": 0.25} for row in lines(20)]
    [ladder] = read_per_item(written(tmp_path / "items.jsonl", rows), positive="no")
    assert ladder.question.positive == "no"
    assert [option.id for option in ladder.question.options] == ["no", "yes"]


def test_names_are_shown_as_they_are_written(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(CSV.replace("4B,4B", "[/red] :smile:,4B"))
    assert "[/red] :smile:" in check(tmp_path / "t.csv")


def test_two_rungs_and_no_rungs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is empty"):
        read_per_item(written(tmp_path / "items.jsonl", []))
    with pytest.raises(InputError, match="3 dense rungs at the least"):
        read_per_item(written(tmp_path / "items.jsonl", [r for r in lines(20) if r["rung"] in ("rung 1", "rung 2")]))

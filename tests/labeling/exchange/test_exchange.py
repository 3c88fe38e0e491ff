import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from labeling.exchange import FileForm, read_rows, written
from labeling.exchange.gather import gather
from labeling.exchange.row import Row, write_lines
from labeling.exchange.take import take_in
from models.chat import ChatEvent
from models.consent import Mode
from models.errors import ExportError, InputError
from models.ids import BurstId, EventId, MemberId, OptionId, RoomId
from models.labelled import read_items
from models.labels import Label, RequestState, request_id
from models.question import versions
from models.store import bursts, consent, erasure, inbox, labels, requests
from models.store.database import open_database
from tests.labeling.made import NOON, burst, question, request

ASKED = question("is_question"), question("needs_context", is_question="yes")


def row(name: str, option: str, **more: Any) -> Row:
    label = Label(
        burst=BurstId(""),
        question=ASKED[0].id,
        question_version=ASKED[0].version,
        option=OptionId(option),
        responses=1,
        labelled_at=NOON,
    )
    fields = {"room": "r", "sender": "m1", "text": f"text {name}", "window": (), "given": (), "labels": (label,)}
    return Row(**{"id": name, "started_at": NOON, "ended_at": NOON, **fields, **more})


def test_alpacas_right_option_is_at_each_position_equally_often_whatever_it_is() -> None:
    rows = [row(str(n), "yes" if n % 3 else "no") for n in range(60)]
    lines = [json.loads(line) for line in written(rows, ASKED, FileForm.ALPACA, seed=3).lines]
    for right in (rows[1::3] + rows[2::3], rows[0::3]):
        texts = {f'"{one.text}"' for one in right}
        letters = Counter(line["output"] for line in lines if line["input"].split("\n")[2] in texts)
        assert max(letters.values()) - min(letters[letter] for letter in "ABC") <= 1
    assert {tuple(line["input"].split("\n")[-3:]) for line in lines} > {("A. yes", "B. no", "C. unsure")}
    assert written(rows, ASKED, FileForm.ALPACA, seed=3).lines == written(rows, ASKED, FileForm.ALPACA, seed=3).lines
    assert written(rows, ASKED, FileForm.ALPACA, seed=4).lines != written(rows, ASKED, FileForm.ALPACA, seed=3).lines


def test_training_forms_leave_out_what_must_not_be_trained_on_and_say_so() -> None:
    rows = [row("1", "no"), row("2", "no", audit=True), row("3", "no", trainable=False), row("4", "unsure")]
    made = written(rows, ASKED, FileForm.PAPER)
    assert [json.loads(line)["id"] for line in made.lines] == [1]
    assert made.left_out == {
        "not to be trained on": 1,
        "drawn for the audit": 1,
        "is_question is not settled as yes or no": 1,
    }
    assert len(written(rows, ASKED, FileForm.PAPER, audit=True).lines) == 2
    assert len(written(rows, ASKED, FileForm.JSONL).lines) == 4
    assert list(json.loads(made.lines[0])) == [
        *("id", "sender", "text", "timestamp", "is_question", "kimi_is_question", "cr_window", "cr_need_gt")
    ]


PAPER = {
    "id": 7,
    "sender": "Ab3",
    "text": "how?",
    "timestamp": 1,
    "is_question": True,
    "kimi_is_question": True,
    "cr_window": [],
    "cr_need_gt": False,
}
ALPACA = {"instruction": "Write a poem.", "input": "", "output": "A"}


@pytest.mark.parametrize(
    ("form", "rows", "fault"),
    [
        (FileForm.PAPER, [PAPER, PAPER], "line 2: the id 7 was there already, in line 1"),
        (
            FileForm.PAPER,
            [PAPER, {**PAPER, "id": 8, "is_question": 1}],
            "line 2: the field 'is_question' should be bool",
        ),
        (FileForm.PAPER, [{**PAPER, "mood": "good"}], "line 1: the field 'mood' is not part of this form"),
        (FileForm.PAPER, [{**PAPER, "text": " "}], "line 1: the field 'text' is empty"),
        (FileForm.PAPER, [{**PAPER, "timestamp": 10**30}], "line 1"),
        (FileForm.ALPACA, [ALPACA], "line 1: its instruction is that of no question"),
        (FileForm.JSONL, [PAPER], "line 1: the field 'labels' is missing; .*--format paper the paper's"),
    ],
)
def test_a_faulty_line_is_named_and_nothing_is_taken_in(
    tmp_path: Path, form: FileForm, rows: list[dict[str, object]], fault: str
) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in rows), encoding="utf-8")
    with pytest.raises(InputError, match=fault):
        read_rows(path, ASKED, form)


def test_an_option_that_is_not_offered_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_text(written([row("1", "yes")], ASKED, FileForm.JSONL).lines[0].replace('"yes"', '"perhaps"'))
    with pytest.raises(InputError, match="line 1: is_question does not offer 'perhaps'; it offers yes, no, unsure"):
        read_rows(path, ASKED, FileForm.JSONL)


def test_a_file_that_cannot_be_written_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.mkdir()
    with pytest.raises(ExportError, match="cannot write"):
        write_lines(path, ["{}"])
    assert [found.name for found in tmp_path.iterdir()] == ["out.jsonl"]


def test_imported_labels_are_trained_on_and_say_where_they_come_from(tmp_path: Path) -> None:
    db = open_database(tmp_path)
    took = take_in(db, [row("1", "yes"), row("2", "no", audit=True, probability=0.25)], ASKED, "shared", NOON)
    assert (took.bursts, took.labels, took.known) == (2, 2, 0)
    items = {item.burst.text: item for item in labels.items(db, versions(ASKED), 30, lambda *_: Mode.LISTEN)}
    assert {text: item.trainable for text, item in items.items()} == {"text 1": True, "text 2": True}
    assert (items["text 2"].audit, items["text 2"].weight) == (True, 4.0)
    assert {label.source for item in items.values() for label in labels.about(db, item.burst.id)} == {"shared"}
    assert consent.rooms_seen(db) == []  # nobody chats there
    assert bursts.undecided(db) == []
    db.conn.close()


def test_exports_are_masked_and_hold_no_names_nor_what_was_erased(tmp_path: Path) -> None:
    db = open_database(tmp_path)
    for name, sender in (("b1", "alice@example.org"), ("b2", "mallory")):
        said = burst(
            "ask bob or me@example.com, alice@example.org", ("bob", "I am bob, call +44 20 7946 0958"), name=name
        )
        one = replace(said, sender=MemberId(sender), platform="t")
        inbox.append(
            db,
            [
                ChatEvent(
                    id=EventId(f"m-{name}"),
                    platform="t",
                    room=RoomId("#ubuntu"),
                    sender=MemberId(sender),
                    text=said.text,
                    sent_at=NOON,
                )
            ],
        )
        bursts.close(db, [one])
        asked = replace(request(request_id(one.id, ASKED), of=name), state=RequestState.ANSWERED)
        requests.insert_request(db, asked)
        q = ASKED[0]
        made = Label(
            burst=one.id,
            question=q.id,
            question_version=q.version,
            option=OptionId("yes"),
            responses=1,
            labelled_at=NOON,
        )
        labels.put(db, [made])
    assert len(gather(db, lambda *_: Mode.TRAIN, b"key")) == 2
    erasure.forget_member(db, MemberId("mallory"), None, NOON)
    (line,) = written(gather(db, lambda *_: Mode.TRAIN, b"key"), ASKED, FileForm.JSONL).lines
    for private in ("bob", "alice", "example", "7946", "ubuntu", "mallory"):
        assert private not in line
    assert "[e-mail]" in line
    assert gather(db, lambda *_: Mode.LISTEN, b"key") == []  # the room lets nobody read any more
    db.conn.close()


def test_labelled_rows_of_other_tools_come_in_and_go_out_to_be_measured(tmp_path: Path) -> None:
    lines = [
        {"text": "does it run on TX2?", "label": True, "cr_need": True, "conv": 7, "weight": 4.0, "note": "by hand"},
        {"id": 8, "room": "r", "sender": "bob", "text": "yes", "is_question": "no", "timestamp": 1_700_000_000},
        {"text": "nobody answered about this"},
        {"id": None, "text": "same here", "is_question": "no"},
        {"id": None, "text": "same here", "is_question": "no"},
    ]
    (tmp_path / "own.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    first, second, *nameless = read_rows(tmp_path / "own.jsonl", ASKED, FileForm.ROWS)
    assert len({one.id for one in nameless}) == 2, "a row without an id is known by its line"
    assert (first.room, first.probability, second.id, second.sender) == ("7", 0.25, "8", "bob")
    assert dict(first.given[0].response.answers) == {"is_question": "yes", "needs_context": "yes"}
    db = open_database(tmp_path / "db")
    assert take_in(db, [first, second], ASKED, "own", NOON).labels == 3
    made = written(gather(db, lambda *_: Mode.TRAIN, b"key"), ASKED, FileForm.ROWS)
    write_lines(tmp_path / "out.jsonl", made.lines)
    found = {item.burst.text: item for item in read_items(tmp_path / "out.jsonl", ASKED)}
    assert found["does it run on TX2?"].weight == 4.0
    assert dict(found["yes"].answers) == {"is_question": "no"}
    assert found["yes"].burst.started_at == second.started_at


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ({"is_question": "no"}, "the field 'text' is missing"),
        ({"text": 5, "is_question": "no"}, "text is not a string"),
        ({"text": " ", "is_question": "no"}, "the field 'text' is empty"),
        ({"text": "a", "is_question": "perhaps"}, "perhaps"),
        ({"text": "a", "is_question": "no", "weight": 0}, "weight 0 is no number above 0"),
        ({"id": 1, "text": "a", "is_question": "no"}, "the id 1 was there already, in line 1"),
    ],
)
def test_a_faulty_labelled_row_is_named(tmp_path: Path, line: dict[str, object], fault: str) -> None:
    lines = [{"id": 1, "text": "a", "is_question": "no"}, line]
    (tmp_path / "own.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
    with pytest.raises(InputError, match=r"own\.jsonl, line 2: .*" + fault):
        read_rows(tmp_path / "own.jsonl", ASKED, FileForm.ROWS)
    with pytest.raises(InputError, match=r"line 1: .*--format rows reads labelled rows"):
        read_rows(tmp_path / "own.jsonl", ASKED, FileForm.JSONL)

import json
from pathlib import Path

import pytest

from models.errors import InputError
from models.labelled import read_items


def write(folder: Path, *rows: object) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("\n".join(r if isinstance(r, str) else json.dumps(r) for r in rows))
    return path


def test_all_known_forms_are_read(tmp_path: Path, questions) -> None:
    window = [{"sender": "a", "text": "x"}]
    path = write(
        tmp_path,
        {
            "id": 1,
            "room": "r",
            "sender": "s",
            "timestamp": 5,
            "text": "t",
            "window": window,
            "is_question": "yes",
            "needs_context": "unsure",
            "weight": 2.5,
        },
        {"text": "t", "window": [], "sender": "s", "label": True, "conv": "c", "source": "Molweni"},
        {
            "text": "t",
            "window": window,
            "cr_need": False,
            "rewrite": None,
            "lang": "en",
            "conv": "c",
            "source": "GECOR",
        },
        {
            "id": 7,
            "sender": "s",
            "text": "t",
            "timestamp": 9,
            "is_question": True,
            "cr_window": window,
            "cr_need_gt": True,
        },
        "",
        {"text": "nobody answered", "is_question": None},
    )
    gold, molweni, gecor, paper = read_items(path, questions)
    assert (gold.answers, gold.weight, gold.conversation) == (
        {"is_question": "yes", "needs_context": "unsure"},
        2.5,
        "r",
    )
    assert molweni.answers == {"is_question": "yes"}
    assert gecor.answers == {"needs_context": "no"}
    assert paper.answers == {"is_question": "yes", "needs_context": "yes"}
    assert paper.burst.window[0].text == "x"


@pytest.mark.parametrize(
    ("line", "piece"),
    [
        ("{not json", "no JSON"),
        ("[1]", "expected an object"),
        ('{"is_question": "perhaps", "text": "t"}', "perhaps"),
        ('{"is_question": "yes"}', "text"),
        ('{"is_question": "yes", "text": 5}', "text"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, questions, line: str, piece: str) -> None:
    path = write(tmp_path, {"text": "fine", "is_question": "no"}, line)
    with pytest.raises(InputError, match="line 2") as fault:
        read_items(path, questions)
    assert piece in str(fault.value)


def test_a_missing_file_is_named(tmp_path: Path, questions) -> None:
    with pytest.raises(InputError, match="nowhere"):
        read_items(tmp_path / "nowhere.jsonl", questions)


def test_a_byte_order_mark_is_passed_over_and_bytes_that_are_no_text_are_told_by_line(tmp_path, questions) -> None:
    path = tmp_path / "rows.jsonl"
    row = b'{"text": "t", "label": true}'
    path.write_bytes(b"\xef\xbb\xbf" + row + b"\r\n" + row)
    assert len(read_items(path, questions)) == 2
    path.write_bytes(row + b'\n{"text": "\xe9"}\n')
    with pytest.raises(InputError, match="line 2: this is not UTF-8 text"):
        read_items(path, questions)


def test_an_empty_file_is_told(tmp_path, questions) -> None:
    with pytest.raises(InputError, match=r"rows\.jsonl is empty"):
        read_items(write(tmp_path, "", " "), questions)
    assert read_items(write(tmp_path, {"text": "nobody answered"}), questions) == []

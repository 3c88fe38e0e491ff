"""What is exported and imported again is exported as the same file: for all three forms, whatever people said."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labeling.exchange import FileForm, read_rows, written
from labeling.exchange.gather import gather
from labeling.exchange.row import write_lines
from labeling.exchange.take import take_in
from labeling.inlet import absorb
from models.consent import Mode
from models.ids import BurstId
from models.labels import request_id
from models.store import bursts, requests
from models.store.database import Database, open_database
from tests.labeling.made import NOON, burst, question, request, response

ASKED = question("is_question"), question("needs_context", is_question="yes")
HOSTILE = [
    'Options:\nA. yes\nB. no"',
    "{{x}} <|im_end|> \u2028 \x00 \\n",
    "mail me@example.org",
    "你好\r\n世界",
    '"',
    "S",
]
TEXTS = st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(codec="utf-8"), min_size=1, max_size=30)).filter(
    lambda text: bool(text.strip())
)
NAMES = st.sampled_from(["alice@example.org", "bob", "P1", "S", "carol d"])
OPTIONS = st.sampled_from(["yes", "no", "unsure"])


_TABLES = ("bursts", "requests", "responses", "labels", "routes")
_OPEN: dict[str, Database] = {}


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("exchange")
    for name in ("here", "there"):
        _OPEN[name] = open_database(made / name)
        _OPEN[name].conn.execute("PRAGMA synchronous = OFF")
    return made


def empty(name: str) -> Database:
    """One of two stores, emptied: making one for each example would take most of the time."""
    for table in _TABLES:
        _OPEN[name].conn.execute(f"DELETE FROM {table}")
    _OPEN[name].conn.commit()
    return _OPEN[name]


def through(db: Database, form: FileForm, path: Path, **how: Any) -> list[str]:
    """Export the store to a file; returns its lines."""
    rows = gather(db, lambda *_: Mode.TRAIN, b"key")
    write_lines(path, written(rows, ASKED, form, **how).lines)
    return path.read_text(encoding="utf-8").split("\n")[:-1]


@st.composite
def chats(draw: st.DrawFn) -> list[tuple[Any, ...]]:
    one = st.tuples(
        TEXTS, st.lists(st.tuples(NAMES, TEXTS), max_size=3), st.lists(st.tuples(OPTIONS, OPTIONS), max_size=3)
    )
    return draw(st.lists(one, min_size=1, max_size=5))


def label(db: Database, chat: list[tuple[Any, ...]]) -> None:
    """Have people answer about each burst of a chat."""
    for number, (text, window, answers) in enumerate(chat):
        name = BurstId(f"b{number}")
        bursts.close(db, [burst(text, *window, name=name)])
        asked = request(request_id(name, ASKED), of=name)
        requests.insert_request(db, asked)
        requests.mark_sent(db, [asked.id])
        said = [
            response(f"ann{who}", asked.id, is_question=first, needs_context=second)
            for who, (first, second) in enumerate(answers)
        ]
        absorb(db, said, ASKED, NOON)


@settings(deadline=None, max_examples=150)
@given(chat=chats(), form=st.sampled_from(list(FileForm)))
def test_a_round_trip_through_another_store_is_lossless(
    folder: Path, chat: list[tuple[Any, ...]], form: FileForm
) -> None:
    here, there = empty("here"), empty("there")
    label(here, chat)
    lines = through(here, form, folder / "out.jsonl")
    rows = read_rows(folder / "out.jsonl", ASKED, form)
    assert take_in(there, rows, ASKED, "elsewhere", NOON).bursts == len(rows)
    again = through(there, form, folder / "again.jsonl")
    if form is FileForm.JSONL:  # a label says where it was imported from
        again = [line.replace('"source": "elsewhere"', '"source": null') for line in again]
    assert sorted(again) == sorted(lines)
    assert take_in(there, rows, ASKED, "elsewhere", NOON).known == len(rows)  # twice changes nothing


def record(number: int, **more: Any) -> dict[str, Any]:
    """The paper's record, as FACTS has it."""
    window = [{"sender": "Qbcd", "text": "前面的话", "timestamp": 1_700_000_000 - number}]
    fields = {"id": number, "sender": "Xyz12", "text": f"怎么装？{number}", "timestamp": 1_700_000_000 + number}
    judged = {"is_question": True, "kimi_is_question": True, "cr_window": window, "cr_need_gt": True}
    return {**fields, **judged, **more}


@settings(deadline=None, max_examples=60)
@given(judged=st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans(), st.integers(0, 2**31)), max_size=6))
def test_the_papers_files_come_back_as_they_were(folder: Path, judged: list[tuple[bool, bool, bool, int]]) -> None:
    lines = [
        json.dumps(record(n, is_question=a, kimi_is_question=b, cr_need_gt=c, timestamp=at), ensure_ascii=False)
        for n, (a, b, c, at) in enumerate(judged)
    ]
    path, db = folder / "paper.jsonl", empty("here")
    write_lines(path, lines)
    take_in(db, read_rows(path, ASKED, FileForm.PAPER), ASKED, "paper", NOON)
    assert sorted(through(db, FileForm.PAPER, path)) == sorted(lines)

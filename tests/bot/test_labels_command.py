"""``quandary labels``, as it is typed."""

import json
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from bot.cli import cli
from labeling.inlet import absorb
from models.chat import Burst
from models.errors import InputError
from models.ids import BurstId, MemberId, OptionId, RequestId, RoomId
from models.labels import Purpose, Request, RequestState, Response, ResponseStatus, request_id
from models.settings import load_settings
from models.store import bursts, labels, requests
from models.store.database import open_database, transaction

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


@pytest.fixture
def labelled(house):
    """Eight bursts, each answered by two; they differ on one, and one more was discarded."""
    path, settings = house
    db = open_database(settings.data_dir)
    for number in range(9):
        name = BurstId(f"b{number}")
        burst = Burst(
            id=name,
            room=RoomId("r"),
            sender=MemberId("alice@example.org"),
            text=f"how {number}?",
            window=(),
            started_at=NOW,
            ended_at=NOW,
        )
        bursts.close(db, [burst])
        asked = Request(
            id=request_id(name, settings.questions),
            burst=name,
            strategy="margin",
            probability=1.0,
            blind=False,
            state=RequestState.SENT,
            created_at=NOW,
        )
        with transaction(db):
            requests.insert_request(db, asked)
        yes_or_no = "yes" if number % 2 else "no"
        said = [said_by(who, asked.id, yes_or_no) for who in ("ann", "bea")]
        if number == 0:
            said[1] = said_by("bea", asked.id, "yes")
        if number == 8:
            said = [replace(said[0], status=ResponseStatus.DISCARDED, answers={})]
        absorb(db, said, settings.questions, NOW)
    db.conn.close()
    return path, settings


def said_by(who, to: RequestId, option: str) -> Response:
    return Response(
        request=to,
        annotator=who,
        answers={"is_question": OptionId(option), "needs_context": OptionId("no")},
        status=ResponseStatus.SUBMITTED,
        submitted_at=NOW + timedelta(minutes=1),
    )


def run(path, *arguments):
    done = CliRunner().invoke(cli, ["--config", str(path), "labels", *map(str, arguments)])
    assert done.exception is None, done.exception
    return done.stdout


def test_status_counts_labels_what_waits_and_who_did_what(labelled):
    path, settings = labelled
    found = json.loads(run(path, "status", "--json"))
    first = found["questions"]["is_question"]
    assert first == {
        "version": settings.questions[0].version,
        "options": {"no": 3, "yes": 4},
        "unsettled": 1,
        "stale": 0,
    }
    assert found["questions"]["needs_context"]["options"] == {"no": 4}
    assert found["waiting"] == {Purpose.ADJUDICATE: 1}
    assert (found["in_adjudication"], found["discarded"], found["stale"]) == (1, 1, 0)
    assert found["annotators"] == {"ann": {"submitted": 8, "discarded": 1}, "bea": {"submitted": 8, "discarded": 0}}
    shown = run(path, "status")
    assert "3 no, 4 yes; 1 not settled" in shown
    assert "8 submitted, 1 discarded" in shown


def test_other_words_make_labels_stale_not_wrong(labelled):
    path, settings = labelled
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(settings.questions[0].text, "Does it ask for anything?"), encoding="utf-8")
    found = json.loads(run(path, "status", "--json"))
    assert found["stale"] == 8
    assert found["questions"]["is_question"]["options"] == {}
    assert found["questions"]["needs_context"]["options"] == {"no": 4}
    run(path, "export", path.parent / "all.jsonl")
    lines = (path.parent / "all.jsonl").read_text(encoding="utf-8").splitlines()
    assert sum(len(json.loads(line)["labels"]) for line in lines) == 12


def test_agreement_is_told_per_question_annotator_and_week(labelled):
    path, _ = labelled
    found = json.loads(run(path, "agreement", "--json"))["is_question"]
    assert found["all"]["bursts"] == 8
    assert 0.7 < found["all"]["alpha"] < 0.8  # one of eight differs
    assert found["all"]["low"] <= found["all"]["alpha"] <= found["all"]["high"]
    assert set(found["annotators"]) == {"ann", "bea"}
    assert set(found["weeks"]) == {"2026-W02"}
    assert "2026-W02" in run(path, "agreement")


@pytest.mark.parametrize("form", ["jsonl", "paper", "alpaca"])
def test_what_is_exported_is_imported_by_another_bot(labelled, tmp_path, form):
    path, _ = labelled
    file = tmp_path / "labels.jsonl"
    done = json.loads(run(path, "export", file, "--format", form, "--json"))
    assert done["lines"] == {"jsonl": 9, "paper": 8, "alpaca": 11}[form]
    assert "alice" not in file.read_text(encoding="utf-8")
    assert file.stat().st_mode & 0o077 == 0
    there = tmp_path / "there" / "config.toml"  # its data lies beside it
    there.parent.mkdir()
    there.write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    stated = ["--source", "friends", "--licence", "CC-BY-4.0"]
    took = json.loads(run(there, "import", file, "--format", form, *stated, "--json"))
    assert (took["labels"], took["known"]) == (11, 0)
    assert "0 labels of 0 bursts" in run(there, "import", file, "--format", form, "--source", "friends")
    found = json.loads(run(there, "status", "--json"))
    assert found["questions"]["is_question"]["options"] == {"no": 3, "yes": 4}
    assert found["imported"] == {"friends": 11}
    with closing(open_database(load_settings(there).data_dir)) as db:
        assert labels.licences(db) == {"friends": "CC-BY-4.0"}


def test_one_faulty_line_takes_nothing_in(labelled, tmp_path):
    path, settings = labelled
    file = tmp_path / "labels.jsonl"
    run(path, "export", file)
    file.write_text(file.read_text(encoding="utf-8") + '{"id": "x"}\n', encoding="utf-8")
    done = CliRunner().invoke(cli, ["--config", str(path), "labels", "import", str(file), "--source", "a"])
    assert isinstance(done.exception, InputError)
    assert "line 10: the field 'probability' is missing" in str(done.exception)
    odd = CliRunner().invoke(cli, ["--config", str(path), "labels", "import", str(file), "--source", "../a"])
    assert isinstance(odd.exception, InputError)
    db = open_database(settings.data_dir)
    assert len(labels.answered_bursts(db)) == 9
    db.conn.close()

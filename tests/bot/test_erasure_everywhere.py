"""Erased text is in no file of the data directory: with the real Argilla, a frozen dataset and a candidate."""

import asyncio
import json
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from bot_fakes import REPO, FakeDecider, candidate_of, said
from click.testing import CliRunner
from live_flow import Chat

from bot.cli import cli
from bot.erasing import Eraser
from bot.pipeline import Pipeline
from bot.slot import ServingSlot
from labeling.annotator import Annotator
from labeling.desk import Desk
from labeling.embedded import EmbeddedArgilla
from labeling.inlet import Inlet
from labeling.outbox import Outbox
from models.chat import EventKind
from models.erasure import ErasureKind
from models.frozen import condition
from models.labels import Label, RequestState
from models.settings import load_settings
from models.store import bursts, erasures, inbox, labels, learning, requests
from models.store.database import open_database
from models.store.thread import Store
from retrain.cycle import frozen
from retrain.dataset import read_dataset

ALICE, WITHDRAWN = "xylophonequokka", "jabberwockfjord"
"""What Alice says in every message, and what Bob says in one that he takes back."""
MESSAGES = 36
HERS = len(range(0, MESSAGES, 3))


class Doubter(FakeDecider):
    """Sure of nothing, so that everything is asked about."""

    def _decision(self, burst, question):
        return replace(super()._decision(burst, question), sure=None)


def chat():
    """Alice, Bob and Carol in turn, a message every two minutes, so that each is a burst of its own."""
    members = {"alice": f"my {ALICE} is {{}} broken & <b>缩小</b>", "bob": "bob {} asks", "carol": "carol {} answers"}
    events = []
    for number in range(MESSAGES):
        name = list(members)[number % 3]
        text = members[name].format(number) + (f" {WITHDRAWN}" if number == 4 else "")
        events.append(said(number, name, 120 * number, text))
    return events


def holding(folder: Path, word: str) -> list[str]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    assert len(files) > 5
    return [str(path.relative_to(folder)) for path in files if word.encode() in path.read_bytes().lower()]


@pytest.fixture
def settings(tmp_path):
    text = (REPO / "config.toml").read_text(encoding="utf-8").replace('id = "console"', 'id = "*"', 1)
    text = text.replace("audit_share = 0.05", "audit_share = 0.0").replace("port = 6900", "port = 0")
    text = text.replace("paced = true", "paced = false").replace("skip_alike = true", "skip_alike = false")
    path = tmp_path / "config.toml"
    path.write_text(text.replace("audit_block_minutes = 30", "audit_block_minutes = 10"), encoding="utf-8")
    return load_settings(path)


@asynccontextmanager
async def queue(settings, store):
    async with (
        EmbeddedArgilla(settings.data_dir / "argilla", start_timeout_s=300) as argilla,
        Desk(argilla.url, argilla.credentials.api_key, settings.questions) as desk,
    ):
        yield argilla, desk, Outbox(store, desk, settings.questions, alias_key=b"key")


async def listen(settings, store, events):
    decider = Doubter(settings.questions)
    async with ServingSlot(settings, store, model="fake.gguf", opener=lambda *_: decider) as slot:
        await Pipeline(settings=settings, store=store, adapter=Chat(events).end(), slot=slot).run()


async def flushed(store, outbox) -> int:
    """Send all that is pending; on a busy machine Argilla may be too slow to answer the first time."""
    sent = await outbox.flush()
    while "pending" in await store.do(requests.count):
        await asyncio.sleep(0.5)
        sent += await outbox.flush()
    return sent


async def annotate(settings, store, argilla, desk):
    """Answer everything; the rewrites quote what stands in the windows."""
    values = {}
    for request in await store.do(requests.in_state, RequestState.SENT):
        burst = await store.do(bursts.get, request.burst)
        whole = "\n".join([*(m.text for m in burst.window), burst.text])
        rewrite = " ".join(["so to say", *(word for word in (ALICE, WITHDRAWN) if word in whole)])
        values[request.id] = {"is_question": "yes", "needs_context": "yes", "rewrite": rewrite}
    async with Annotator(argilla.url, "ann", await desk.add_annotator("ann")) as annotator:
        await annotator.submit_all(values)
    await Inlet(store, desk, settings.questions).pull()


def learned(settings, gguf):
    """Freeze what is labelled, and put a candidate there that was trained on it."""
    with closing(open_database(settings.data_dir)) as db:
        dataset = frozen(settings, db, datetime(2026, 2, 1, tzinfo=UTC))
        candidate, verdict = candidate_of(settings, "c1", gguf)
        learning.put_candidate(db, replace(candidate, dataset=dataset.id), verdict)
    return dataset


async def label_learn_and_redact(settings, gguf):
    """All of it with everything running: the dataset that was frozen in between, and the redaction."""
    folder = settings.data_dir
    async with Store(folder) as store:
        await listen(settings, store, chat())
        async with queue(settings, store) as (argilla, desk, outbox):
            assert await flushed(store, outbox) == MESSAGES
            await annotate(settings, store, argilla, desk)
            dataset = learned(settings, gguf)
            for word in (ALICE, WITHDRAWN):
                found = holding(folder, word)
                assert any("datasets" in name for name in found)
                assert any("argilla.db" in name for name in found)
                assert any("text.db" in name for name in found)
                assert any("quandary.db" in name for name in found)

            # Bob takes one message back: it goes everywhere, while all parts run.
            await listen(settings, store, [said(100, "bob", 9000, "", kind=EventKind.DELETE, target=4)])
            await outbox.flush()
            eraser = Eraser(store, folder, argilla=argilla.home)
            assert await eraser.finish(settled=True) == 1
            assert holding(folder, WITHDRAWN) == []
            assert holding(folder, ALICE) != []
            [redaction] = await store.do(erasures.every)
            assert redaction.done_at is not None
            kept = await store.do(labels.labelled_bursts)
            assert kept == MESSAGES - 1  # the windows of others lost a line, their labels stay
            assert read_dataset(dataset.path).id == dataset.id
            assert await outbox.flush() == 0
    return dataset, redaction


@pytest.mark.timeout(600)
def test_what_is_redacted_or_forgotten_is_in_no_file(settings, tmp_path, ggufs, monkeypatch):
    monkeypatch.setattr("bot.slot.gguf_of", Path)
    folder = settings.data_dir
    dataset, redaction = asyncio.run(label_learn_and_redact(settings, ggufs[0]))

    # Alice is forgotten by command, with everything stopped.
    config = str(tmp_path / "config.toml")
    done = CliRunner().invoke(cli, ["--config", config, "erasure", "forget", "alice"])
    assert done.exit_code == 0, done.output
    name = done.stdout.split()[0]
    assert holding(folder, ALICE) == []
    report = CliRunner().invoke(cli, ["--config", config, "erasure", "report", name, "--json", "--scan"], input=ALICE)
    found = json.loads(report.stdout)
    assert report.exit_code == 0, report.output
    assert (found["clean"], found["left"], found["files_with_text"]) == (True, [], [])
    assert found["touched"]["burst"] == HERS
    assert found["touched"]["event"] == HERS
    assert found["argilla"]["deleted"] == found["argilla"]["requests"] > HERS
    assert (found["argilla"]["records"], found["argilla"]["logs_empty"], found["log_bytes"]) == (0, True, 0)
    [buried] = found["datasets"]
    assert (buried["id"], buried["verified"], buried["left"]) == (dataset.id, True, 0)
    assert buried["trained"] > 0
    assert [candidate["id"] for candidate in found["candidates"]] == ["c1"]
    assert condition(dataset.path).tombstones == read_dataset(dataset.path).erased >= buried["items"]

    with closing(open_database(folder)) as db:
        assert db.execute("SELECT count(*) FROM events WHERE sender = 'alice'").fetchone() == (0,)
        texts = [burst.text for burst in labels_of(db, settings)]
        assert len(texts) == MESSAGES - HERS - 1
        assert inbox.unhandled(db) == []
        assert "alice" not in {m.sender for burst in labels_of(db, settings) for m in burst.window}
    told = CliRunner().invoke(cli, ["--config", config, "status", "--json"])
    assert told.exit_code == 0, told.exception
    assert json.loads(told.stdout)["stale"] == {"c1": [redaction.id, name]}
    refused = CliRunner().invoke(cli, ["--config", config, "erasure", "report", "unknown"])
    assert "there is no erasure unknown" in str(refused.exception)


def test_the_command_erases_and_reports_where_no_argilla_ever_ran(settings, tmp_path, ggufs, monkeypatch):
    monkeypatch.setattr("bot.slot.gguf_of", Path)
    folder = settings.data_dir

    async def hear():
        async with Store(folder) as store:
            await listen(settings, store, chat())

    asyncio.run(hear())
    with closing(open_database(folder)) as db:
        question = settings.questions[0]
        labels.put(db, [labelled(row["id"], question) for row in db.query("SELECT id FROM bursts")])
    dataset = learned(settings, ggufs[0])
    assert holding(folder, ALICE) != []
    config = str(tmp_path / "config.toml")
    done = CliRunner().invoke(cli, ["--config", config, "erasure", "forget", "alice"])
    assert done.exit_code == 0, done.output
    assert holding(folder, ALICE) == []
    report = CliRunner().invoke(
        cli, ["--config", config, "erasure", "report", done.stdout.split()[0], "--json", "--scan"], input=ALICE
    )
    assert report.exit_code == 0, report.output
    found = json.loads(report.stdout)
    assert (found["clean"], found["left"], found["log_bytes"], found["touched"]["burst"]) == (True, [], 0, HERS)
    assert [(one["id"], one["verified"], one["left"]) for one in found["datasets"]] == [(dataset.id, True, 0)]
    assert read_dataset(dataset.path).erased == found["datasets"][0]["items"] > HERS
    assert [candidate["id"] for candidate in found["candidates"]] == ["c1"]
    for more in ((), ("--room", "elsewhere")):
        unknown = CliRunner().invoke(cli, ["--config", config, "erasure", "forget", "alice", *more])
        assert "nothing was erased: no message, window or feedback of the member 'alice' is kept" in str(
            unknown.exception
        )
    listed = CliRunner().invoke(cli, ["--config", config, "erasure", "list"])
    assert len(listed.stdout.splitlines()) == 1
    assert "forget  all rooms  done" in listed.stdout


def labelled(burst, question):
    at = datetime(2026, 1, 6, tzinfo=UTC)
    return Label(
        burst=burst,
        question=question.id,
        question_version=question.version,
        option=question.positive,
        responses=1,
        labelled_at=at,
    )


def labels_of(db, settings):
    known = {question.id: question.version for question in settings.questions}
    return [item.burst for item in labels.items(db, known, 10)]


async def test_a_text_that_stands_somewhere_is_found_in_whatever_form_it_is_written(settings, tmp_path):
    text = 'say "世界" & more'
    async with Store(settings.data_dir) as store:
        await store.do(bursts.count)
    for number, form in enumerate((text, json.dumps({"t": text}), 'say "世界" &amp; more', "x 世  界  y")):
        (settings.data_dir / f"{number}.txt").write_text(form, encoding="utf-8")
    with closing(open_database(settings.data_dir)) as db:
        name = erasures.begin(db, ErasureKind.FORGET, "m", "m", None, datetime.now(UTC))
    config = str(tmp_path / "config.toml")
    done = CliRunner().invoke(cli, ["--config", config, "erasure", "report", name, "--scan"], input=text)
    assert done.exit_code == 1
    assert [f"{number}.txt" in done.stdout for number in range(4)] == [True, True, True, False]
    assert "SOMETHING IS LEFT" in done.stdout

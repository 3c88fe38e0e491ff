import asyncio
import os
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from bot_fakes import candidate_of, said
from structlog.testing import capture_logs

from bot.assembler import Assembler
from bot.promotion import approve
from bot.schedule import LOG_FILE, NICENESS, SILENT_MAX, Schedule
from models.erasure import ErasureKind, TraceKind
from models.errors import LabelingError, PromotionError
from models.ids import QuestionId
from models.labels import Label
from models.settings import GateSettings, ScheduleSettings
from models.store import bursts, erasures, inbox, labels, learning
from models.store.learning import Run


async def nothing():
    return None


@pytest.fixture
def settings(settings):
    return settings.model_copy(
        update={
            "schedule": ScheduleSettings(pull_s=0.05, top_up_s=0.05, retrain_after_labels=3, retention_days=30),
            "gate": GateSettings(min_labels=4),
        }
    )


@pytest.fixture
async def schedule(settings, store):
    made = Schedule(settings, store, config=Path("config.toml"), pull=nothing, top_up=nothing)
    made._command = [sys.executable, "-c", "import os, time; print(os.nice(0), flush=True); time.sleep(30)"]
    async with made:
        yield made


async def label(store, count, at=None):
    at = at or datetime.now(UTC)
    made = [
        Label(
            burst=f"b{at.timestamp()}-{n}",
            question=QuestionId("is_question"),
            question_version="v",
            option="yes",
            responses=1,
            labelled_at=at,
        )
        for n in range(count)
    ]
    await store.do(labels.put, made)


def run(state, pid, started_at):
    return Run(
        id="r1",
        kind="cycle",
        dataset=None,
        state=state,
        step=1,
        steps=2,
        loss=None,
        message="",
        pid=pid,
        started_at=started_at,
        updated_at=started_at,
    )


async def test_jobs_run_again_and_survive_failures(settings, store):
    pulled, pushed = asyncio.Event(), []

    async def pull():
        pulled.set()
        raise LabelingError("Argilla is away")

    async def top_up():
        pushed.append(1)

    async with Schedule(settings, store, config=Path("c"), pull=pull, top_up=top_up):
        async with asyncio.timeout(5):
            await pulled.wait()
            pulled.clear()
            await pulled.wait()
            while len(pushed) < 2:  # noqa: ASYNC110 - a job sets no event
                await asyncio.sleep(0.01)
    count = len(pushed)
    await asyncio.sleep(0.15)
    assert len(pushed) == count


async def test_retrains_once_there_are_enough_new_labels_and_never_twice_at_once(schedule, store, settings):
    await label(store, 2)
    assert not await schedule.retrain_if_many()
    await label(store, 1, datetime.now(UTC) + timedelta(seconds=1))
    assert not await schedule.retrain_if_many()  # three new ones, but the gate wants four
    await label(store, 1, datetime.now(UTC) + timedelta(seconds=2))
    assert await schedule.retrain_if_many()
    training = schedule._training
    await label(store, 5, datetime.now(UTC) + timedelta(seconds=3))
    assert not await schedule.retrain()
    async with asyncio.timeout(10):
        while not (settings.data_dir / LOG_FILE).read_text():  # noqa: ASYNC110 - another program writes it
            await asyncio.sleep(0.02)
    assert os.getpriority(os.PRIO_PROCESS, training.pid) >= NICENESS
    training.kill()
    await training.wait()
    assert await schedule.retrain()


async def test_a_training_that_somebody_else_runs_is_left_alone(schedule, store):
    await label(store, 9)
    before = datetime.now(UTC) - timedelta(hours=1)
    heard = replace(run("running", os.getpid(), before), updated_at=datetime.now(UTC))
    await store.do(learning.put_run, heard)
    assert not await schedule.retrain()
    await store.do(learning.put_run, replace(heard, pid=2**22 + 1))  # nobody has this number
    assert await schedule.retrain()


async def test_a_process_number_that_another_program_has_by_now_blocks_nothing(schedule, store):
    await label(store, 9)
    await store.do(learning.put_run, run("running", os.getpid(), datetime.now(UTC) - SILENT_MAX - timedelta(minutes=1)))
    assert await schedule.retrain()


async def test_a_training_that_fails_is_logged_with_its_last_line(schedule, store, settings):
    await label(store, 9)
    (settings.data_dir / LOG_FILE).write_text("of another night\n")
    schedule._command = [sys.executable, "-c", "import sys; print('a'); sys.exit('no room for the model')"]
    with capture_logs() as logs:
        assert await schedule.retrain()
        await schedule._watching
    [failed] = [line for line in logs if line["log_level"] == "error"]
    assert (failed["status"], failed["last"]) == (1, "no room for the model")
    schedule._command = [sys.executable, "-c", "raise SystemExit(3)"]
    with capture_logs() as logs:
        await label(store, 1, datetime.now(UTC) + timedelta(seconds=1))
        assert await schedule.retrain()
        await schedule._watching
    assert [(line["status"], line["last"]) for line in logs if line["log_level"] == "error"] == [(3, "")]


async def test_without_the_learning_side_nothing_is_started_and_that_is_said_once(schedule, store, monkeypatch):
    monkeypatch.setattr("bot.schedule._is_installed", lambda: False)
    await label(store, 9)
    with capture_logs() as logs:
        assert not await schedule.retrain()
        assert not await schedule.retrain_if_many()
    assert len([line for line in logs if "not installed" in line["event"]]) == 1


async def test_nothing_new_means_no_training(schedule, store):
    await label(store, 9, datetime.now(UTC) - timedelta(hours=2))
    await store.do(learning.put_run, run("done", 1, datetime.now(UTC) - timedelta(hours=1)))
    assert not await schedule.retrain()
    await label(store, 1)
    assert not await schedule.retrain_if_many()
    assert await schedule.retrain()


async def test_leaving_ends_a_training(settings, store):
    made = Schedule(settings, store, config=Path("c"), pull=nothing, top_up=nothing)
    made._command = [sys.executable, "-c", "import time; time.sleep(60)"]
    async with made:
        await label(store, 9)
        assert await made.retrain()
    assert made._training.returncode is not None


async def test_purge_forgets_by_age(schedule, store, settings):
    old = said(1, "a", -400 * 86400)
    new = said(2, "a", 0)
    await store.do(inbox.append, [old, new])
    assembler = Assembler(settings.burst)
    await store.do(bursts.close, assembler.push(old) + assembler.push(new) + assembler.flush())
    await store.do(lambda db: db.conn.execute("UPDATE bursts SET state = 'routed'"))
    moved = datetime.now(UTC).timestamp()
    await store.do(lambda db: db.conn.execute("UPDATE events SET sent_at = ? WHERE seq = 2", [moved]))
    await store.do(lambda db: db.conn.execute("UPDATE bursts SET ended_at = ? WHERE text = 'text 2'", [moved]))
    await store.do(lambda db: db.conn.commit())
    assert await schedule.purge() == 2


async def test_what_was_erased_from_what_a_candidate_learned_makes_the_next_training_due(
    schedule, store, settings, ggufs
):
    await label(store, 9, datetime.now(UTC) - timedelta(hours=2))
    await store.do(learning.put_run, run("done", 1, datetime.now(UTC) - timedelta(hours=1)))
    await store.do(learning.put_candidate, *candidate_of(settings, "c1", ggufs[0]))
    assert not await schedule.retrain()

    def erased(db, detail, name):
        one = erasures.begin(db, ErasureKind.FORGET, name, name, None, datetime.now(UTC))
        erasures.settle(db, one, TraceKind.DATASET, ["d0"], detail)
        return one

    await store.do(erased, '{"items": 1, "trained": 0}', "held out")
    assert not await schedule.retrain()  # no weight depends on it
    one = await store.do(erased, '{"items": 2, "trained": 1}', "ann")
    assert await store.do(erasures.stale_candidates) == {"c1": [one]}
    with pytest.raises(PromotionError, match=f"erased since .erasure {one}"):
        await store.do(lambda db: approve(db, settings, "c1", by="me"))
    assert await schedule.retrain()

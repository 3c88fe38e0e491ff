import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from labeling.server.job_board import FINISHED_KEPT, Job, JobState
from labeling.server.job_store import JobStore
from labeling.server.jobs import JobLanes, JobQueue, LaneRule, as_module

QUICK = LaneRule(waiting_max=3, latest=False, retry_after_s=(0.0, 0.0), age_max_s=3600)
NOTIFY = "notify_event_job"


def lanes_in(home: Path, rule: LaneRule = QUICK, **bodies: Callable[..., Awaitable[None]]) -> JobLanes:
    lanes = JobLanes(JobStore(home), lambda _lane: rule)
    lanes.resume(bodies)
    return lanes


async def idle(lanes: JobLanes) -> None:
    while lanes._workers:
        await asyncio.gather(*lanes._workers.values())


async def test_jobs_of_a_lane_run_one_after_another(tmp_path: Path) -> None:
    running = most = 0
    seen: list[int] = []

    async def work(number: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        seen.append(number)

    lanes = lanes_in(tmp_path, work=work)
    queue = JobQueue(lanes)
    made = [queue.enqueue_call(work, args=(n,), retry=None, timeout=-1) for n in range(3)]
    await idle(lanes)
    assert seen == list(range(3))
    assert most == 1
    assert {m.get_status(refresh=True) for m in made} == {"finished"}
    await lanes.close()


async def test_a_failing_job_is_tried_again_and_holds_up_no_other(tmp_path: Path) -> None:
    tries: list[str] = []

    async def bad() -> None:
        tries.append("bad")
        raise ValueError("no")

    async def good() -> None:
        tries.append("good")

    lanes = lanes_in(tmp_path, bad=bad, good=good)
    failing = lanes.enqueue("bad", [])
    unknown = lanes.enqueue("unknown", [])
    lanes.enqueue("good", [])
    await idle(lanes)
    assert tries == ["bad"] * 3 + ["good"]
    assert (failing.state, unknown.state) == (JobState.FAILED, JobState.FAILED)
    await lanes.close()


async def test_a_full_lane_refuses_and_equal_jobs_wait_once(tmp_path: Path) -> None:
    async def work(number: int) -> None:
        await asyncio.sleep(0)

    lanes = lanes_in(tmp_path, work=work)
    made = [lanes.enqueue("work", [n]) for n in (1, 1, 2, 3, 4)]
    assert made[0] is made[1]
    assert [m.state for m in made] == [JobState.QUEUED] * 4 + [JobState.FAILED]
    await idle(lanes)
    assert made[3].state is JobState.FINISHED
    await lanes.close()


async def test_a_webhook_that_hangs_holds_up_only_itself_and_keeps_the_latest(tmp_path: Path) -> None:
    dead, live = uuid4(), uuid4()
    came: list[int] = []

    async def notify(hook: UUID, number: int) -> None:
        if hook == dead:
            await asyncio.sleep(3600)
        came.append(number)

    rule = LaneRule(waiting_max=2, latest=True, retry_after_s=(), age_max_s=3600)
    lanes = lanes_in(tmp_path, rule, notify_event_job=notify)
    lanes.enqueue(NOTIFY, [dead, 0])
    await asyncio.sleep(0)  # the first one runs from here on
    made = [lanes.enqueue(NOTIFY, [dead, n]) for n in range(1, 6)]
    lanes.enqueue(NOTIFY, [live, 100])
    await asyncio.sleep(0.01)
    assert came == [100]
    assert [m.state for m in made] == [JobState.FAILED] * 3 + [JobState.QUEUED] * 2
    await lanes.close()
    assert [job.args for job in JobStore(tmp_path).load()] == [(dead, n) for n in (0, 4, 5)]


async def test_what_waits_or_runs_survives_a_restart_in_order(tmp_path: Path) -> None:
    hook, at = uuid4(), datetime(2026, 11, 27, tzinfo=UTC)
    payload = {"text": "你好", "list": [1, None]}

    async def hang(*_: object) -> None:
        await asyncio.sleep(3600)

    first = lanes_in(tmp_path, notify_event_job=hang)
    made = [first.enqueue(NOTIFY, [hook, event, at, payload]) for event in ("one", "two")]
    await asyncio.sleep(0)
    await first.close()
    came: list[tuple[object, ...]] = []

    async def notify(*args: object) -> None:
        came.append(args)

    second = JobLanes(JobStore(tmp_path), lambda _lane: QUICK)
    assert second.resume({NOTIFY: notify}) == 2
    assert second.board.hget(made[0].id, "status") == b"queued"
    await idle(second)
    assert came == [(hook, "one", at, payload), (hook, "two", at, payload)]
    await second.close()
    assert JobStore(tmp_path).load() == []


async def test_an_old_event_is_given_up(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    hook = uuid4()
    before = datetime.now(UTC) - timedelta(hours=2)
    store.put(Job(id="old", lane=f"webhook {hook}", name=NOTIFY, args=[hook], created_at=before))
    store.close()
    came: list[object] = []

    async def notify(*args: object) -> None:
        came.append(args)

    lanes = lanes_in(tmp_path, notify_event_job=notify)
    await idle(lanes)
    assert came == []
    assert lanes.board.hget("old", "status") == b"failed"
    await lanes.close()


async def test_the_hub_is_refused_and_its_token_kept_nowhere(tmp_path: Path) -> None:
    lanes = lanes_in(tmp_path)

    async def export_dataset_to_hub_job(**_: object) -> None:
        raise AssertionError

    job = JobQueue(lanes).enqueue_call(export_dataset_to_hub_job, kwargs={"token": "hf_secret"})
    assert (job.state, job.args) == (JobState.FAILED, ())
    assert lanes.board.hget(job.id, "status") == b"failed"
    await lanes.close()
    assert b"hf_secret" not in (tmp_path / "jobs.db").read_bytes()


async def test_ended_jobs_are_forgotten_but_the_latest_can_be_found_as_rq_does(tmp_path: Path) -> None:
    from rq.exceptions import NoSuchJobError
    from rq.job import Job as RqJob

    async def work(number: int) -> None:
        pass

    lanes = lanes_in(tmp_path, LaneRule(waiting_max=999, latest=False, retry_after_s=(), age_max_s=9), work=work)
    module = as_module(lanes)
    made = [module.DEFAULT_QUEUE.enqueue_call(work, args=(n,)) for n in range(FINISHED_KEPT + 50)]
    await idle(lanes)
    last = module.HIGH_QUEUE.enqueue_call(work, args=(-1,))
    board = module.REDIS_CONNECTION
    assert board.ping()
    assert RqJob.fetch(last.id, connection=board).get_status(refresh=True) == "queued"
    with pytest.raises(NoSuchJobError):
        RqJob.fetch(made[0].id, connection=board)
    assert len(board._jobs) == FINISHED_KEPT + 1
    await lanes.close()

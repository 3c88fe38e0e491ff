import asyncio
from types import ModuleType

import pytest

from labeling.server import jobs
from labeling.server.jobs import FINISHED_KEPT, JobQueue, JobState


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setattr(jobs, "RETRY_AFTER_S", (0.0, 0.0))
    return jobs.as_module()


async def until_idle(queue: JobQueue) -> None:
    if queue._worker is not None:
        await queue._worker


async def test_jobs_run_one_after_another(module: ModuleType) -> None:
    running = most = 0
    seen: list[int] = []

    async def job(number: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        seen.append(number)

    made = [module.DEFAULT_QUEUE.enqueue_call(job, args=(n,), retry=None, timeout=-1) for n in range(5)]
    await until_idle(module.DEFAULT_QUEUE)
    assert seen == list(range(5))
    assert most == 1
    assert {m.get_status(refresh=True) for m in made} == {"finished"}


async def test_a_failing_job_is_tried_three_times_and_holds_up_no_other(module: ModuleType) -> None:
    tries: list[str] = []

    async def bad() -> None:
        tries.append("bad")
        raise ValueError("no")

    async def good() -> None:
        tries.append("good")

    failing = module.DEFAULT_QUEUE.enqueue_call(bad)
    module.DEFAULT_QUEUE.enqueue_call(good)
    await until_idle(module.DEFAULT_QUEUE)
    assert tries == ["bad"] * 3 + ["good"]
    assert failing.state is JobState.FAILED


async def test_a_full_queue_drops_and_equal_jobs_wait_once(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "WAITING_MAX", 3)

    async def job(number: int) -> None:
        await asyncio.sleep(0)

    made = [module.HIGH_QUEUE.enqueue_call(job, args=(n,)) for n in (1, 1, 2, 3, 4)]
    assert made[0] is made[1]
    assert [m.state for m in made] == [JobState.QUEUED] * 4 + [JobState.FAILED]
    await until_idle(module.HIGH_QUEUE)
    assert made[3].state is JobState.FINISHED


async def test_ended_jobs_are_forgotten_but_the_latest_can_be_found_as_rq_does(module: ModuleType) -> None:
    from rq.exceptions import NoSuchJobError
    from rq.job import Job

    async def job(number: int) -> None:
        pass

    made = [module.DEFAULT_QUEUE.enqueue_call(job, args=(n,)) for n in range(FINISHED_KEPT + 50)]
    await until_idle(module.DEFAULT_QUEUE)
    last = module.DEFAULT_QUEUE.enqueue_call(job, args=(-1,))
    board = module.REDIS_CONNECTION
    assert board.ping()
    assert Job.fetch(last.id, connection=board).get_status(refresh=True) == "queued"
    with pytest.raises(NoSuchJobError):
        Job.fetch(made[0].id, connection=board)
    assert len(board._jobs) == FINISHED_KEPT + 1
    await until_idle(module.DEFAULT_QUEUE)

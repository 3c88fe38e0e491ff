import asyncio
import os
import sys
import time
from pathlib import Path

import pytest

from retrain.sweep.costs import Cost, costs, left_s, seconds, told_time
from retrain.sweep.jobs import Work, environment, work_off
from retrain.sweep.run import Result
from retrain.sweep.setting import VANILLA, Run
from tests.retrain.sweep.made import LORA

RUNS = [Run(rung="a", setting=LORA, seed=seed) for seed in range(4)]
STEPS = "import json; print('noise'); print(json.dumps({'done': 1, 'total': 2, 'loss': 0.5}), flush=True)"


class Told:
    def __init__(self) -> None:
        self.at_work: set[Run] = set()
        self.most = 0
        self.steps: list[tuple[int, int, float | None]] = []
        self.reasons: dict[Run, str | None] = {}
        self.started = asyncio.Event()

    def began(self, run: Run) -> None:
        self.at_work.add(run)
        self.most = max(self.most, len(self.at_work))

    def step(self, run: Run, done: int, total: int, loss: float | None) -> None:
        self.steps.append((done, total, loss))
        self.started.set()

    def ended(self, run: Run, seconds: float, reason: str | None) -> None:
        self.at_work.remove(run)
        self.reasons[run] = reason


def work(folder: Path, code: str, runs: list[Run] = RUNS) -> list[Work]:
    return [Work(run=r, command=[sys.executable, "-c", code], log=folder / f"{r.seed}.log") for r in runs]


def left_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_so_many_at_once_and_one_that_fails_stops_no_other(tmp_path: Path) -> None:
    told = Told()
    todo = work(tmp_path, STEPS)
    bad = "import sys; print('retrain: the loss became nan', file=sys.stderr); sys.exit(8)"
    todo[1] = Work(run=RUNS[1], command=[sys.executable, "-c", bad], log=tmp_path / "1.log")
    failed = await work_off(todo, jobs=2, threads=1, watcher=told, clock=time.monotonic)
    assert failed == {RUNS[1]: "the loss became nan"}
    assert told.most == 2
    assert told.steps == [(1, 2, 0.5)] * 3
    assert told.reasons == {run: failed.get(run) for run in RUNS}
    assert left_in(tmp_path) == ["1.log"]  # what went well leaves no log


async def test_ending_us_ends_the_children(tmp_path: Path) -> None:
    told = Told()
    code = f"import os, time; open('{tmp_path}/pid', 'w').write(str(os.getpid())); {STEPS}; time.sleep(60)"
    doing = asyncio.create_task(
        work_off(work(tmp_path, code, RUNS[:1]), jobs=2, threads=1, watcher=told, clock=time.monotonic)
    )
    await asyncio.wait_for(told.started.wait(), 20)
    doing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await doing
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
    assert told.reasons == {}


def test_a_child_has_threads_of_its_own_number() -> None:
    assert environment(3)["OMP_NUM_THREADS"] == "3"


def result(rung: str, train_s: float, examples: int) -> Result:
    run = Run(rung=rung, setting=LORA if examples else VANILLA, seed=0)
    return Result(
        run=run, parameters=1, examples=examples, train_s=train_s, read=100, read_s=1.0, losses=(), readings={}
    )


def test_time_left_is_learned_from_what_has_ended() -> None:
    known = costs([result("a", 20.0, 1000), result("a", 0.0, 0), result("b", 0.0, 0)])
    assert known == {"a": Cost(train_s=0.02, read_s=0.01), "b": Cost(train_s=0.03, read_s=0.01)}
    assert seconds(RUNS[0], known, train=1000, test=100) == pytest.approx(6 + 2 * 20 + 1)
    assert left_s(RUNS, known, train=1000, test=100, jobs=2) == pytest.approx(2 * 47)
    assert left_s([Run(rung="c", setting=VANILLA, seed=0)], known, train=1, test=1, jobs=1) is None
    assert [told_time(value) for value in (None, 80.0, 600.0, 9000.0)] == ["unknown", "80 s", "10 min", "2.5 h"]

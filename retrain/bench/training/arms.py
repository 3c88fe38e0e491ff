"""Runs the arms of ``quandary bench train`` turn by turn, each in a fresh process, and sets them side by side."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from models.errors import InputError, QuandaryError, TrainingError
from retrain.bench.training.task import Moment, Task

OURS, TOGETHER = "ours", "ours, questions together"
"""A question a row, as TRL must; and both questions of a burst in one row, as the learning cycle trains."""
TRL = ("trl chunked_nll plain", "trl chunked_nll checkpointing")
"""TRL's fastest loss without and with gradient checkpointing; ``nll`` and ``dft`` compute all positions' logits."""
MODULES = {"ours": "retrain.bench.training.ours", "trl": "retrain.bench.training.trl"}
FASTER, LEANER = 1.2, 0.8
"""What is asked for against TRL: speed at least, peak memory at most; its fastest arm decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One process's steps, without the first and the last: seconds on the clock and of computing; its peak memory."""

    wall_s: tuple[float, ...]
    cpu_s: tuple[float, ...]
    peak_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One arm over all rounds. A sample is one question about one burst."""

    arm: str
    samples_per_s: float
    samples_per_cpu_s: float
    """By computing time, which busy neighbours disturb less."""
    peak_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One of our arms against the TRL arm that is fastest by the clock, or leanest; ratios are medians over rounds."""

    arm: str
    rival: str
    speed: float
    cpu_speed: float
    memory: float

    @property
    def reached(self) -> bool:
        """Tell whether it is as much faster and leaner as asked for."""
        return self.speed >= FASTER and self.memory <= LEANER


def take_turns(
    arms: Sequence[str], rounds: int, run: Callable[[str], Turn], say: Callable[[str], None]
) -> dict[str, list[Turn]]:
    """Run every arm once a round, in turning order, so that none always comes after the same one."""
    found: dict[str, list[Turn]] = {arm: [] for arm in arms}
    for number in range(rounds):
        start = number % len(arms)
        for arm in (*arms[start:], *arms[:start]):
            say(f"round {number + 1} of {rounds}: {arm}")
            found[arm].append(run(arm))
    return found


def run_arm(task: Task) -> Turn:
    """Run one arm in a process of its own; raises InputError where TRL is missing, TrainingError where it fails."""
    module = MODULES[task.arm.split(",")[0].split()[0]]
    threads = str(task.threads)
    environment = {**os.environ, "OMP_NUM_THREADS": threads, "OMP_WAIT_POLICY": "passive", "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-W", "ignore", "-m", module]
    done = subprocess.run(command, input=task.text(), capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise explained(task.arm, done.returncode, done.stderr)
    body = json.loads(done.stdout.strip().splitlines()[-1])
    return turn_of([(wall, cpu) for wall, cpu in body["ends"]], body["peak_bytes"])


def explained(arm: str, status: int, said: str) -> QuandaryError:
    """What became of a child that ended with a status other than 0, by what it said last."""
    last = (said.strip().splitlines() or ["it said nothing"])[-1]
    if "No module named 'trl'" in last or "No module named 'datasets'" in last:
        return InputError("TRL is not installed: pip install -c constraints.txt -e '.[bench]', or give --only-ours")
    return TrainingError(f"the arm {arm!r} ended with status {status}: {last}")


def turn_of(ends: Sequence[Moment], peak_bytes: int) -> Turn:
    """The steps between the moments at which they ended; the first is for warming up, the last wrote the state."""
    steps = list(_steps(ends))[:-1]
    return Turn(wall_s=tuple(w for w, _ in steps), cpu_s=tuple(c for _, c in steps), peak_bytes=peak_bytes)


def figures(arm: str, turns: Sequence[Turn], batch: int) -> Figures:
    """All rounds of an arm: the median step, and the highest peak."""
    return Figures(
        arm=arm,
        samples_per_s=batch / median(s for turn in turns for s in turn.wall_s),
        samples_per_cpu_s=batch / median(s for turn in turns for s in turn.cpu_s),
        peak_bytes=max(turn.peak_bytes for turn in turns),
    )


def compare(turns: Mapping[str, Sequence[Turn]]) -> list[Comparison]:
    """Our arms against the fastest of TRL's, then against its leanest if that is another; nothing without TRL."""
    rivals = [arm for arm in turns if arm.startswith("trl")]
    if not rivals:
        return []
    pace = {arm: median(s for turn in turns[arm] for s in turn.wall_s) for arm in rivals}
    fastest = min(rivals, key=lambda arm: pace[arm])
    leanest = min(rivals, key=lambda arm: (max(turn.peak_bytes for turn in turns[arm]), pace[arm]))
    return [
        Comparison(
            arm=arm,
            rival=rival,
            speed=_ratio(turns[rival], turns[arm], lambda turn: median(turn.wall_s)),
            cpu_speed=_ratio(turns[rival], turns[arm], lambda turn: median(turn.cpu_s)),
            memory=_ratio(turns[arm], turns[rival], lambda turn: turn.peak_bytes),
        )
        for rival in dict.fromkeys((fastest, leanest))
        for arm in turns
        if arm not in rivals
    ]


def _ratio(one: Sequence[Turn], other: Sequence[Turn], of: Callable[[Turn], float]) -> float:
    return median(of(a) / of(b) for a, b in zip(one, other, strict=True))


def _steps(ends: Sequence[Moment]) -> Iterator[Moment]:
    for (wall, cpu), (later, later_cpu) in pairwise(ends):
        yield later - wall, later_cpu - cpu

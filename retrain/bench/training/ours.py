"""The arm with our loop: ``python -m retrain.bench.training.ours`` reads a task from standard input."""

import json
import sys
import tempfile
from pathlib import Path

from retrain.bench.training.arms import TOGETHER
from retrain.bench.training.task import (
    PAPER,
    Moment,
    Task,
    checkpoint_of,
    default_questions,
    examples_of,
    moment,
    peak_bytes,
    plan_of,
)
from retrain.fit import fit
from retrain.lora import add_adapter, plus_optimizer


def run(task: Task, work: Path) -> list[Moment]:
    """Train and return the moments at which steps ended."""
    checkpoint = checkpoint_of(task)
    questions, together = default_questions(), task.arm == TOGETHER
    examples = examples_of(task, questions, checkpoint.tokenizer, together=together)
    adapted = add_adapter(checkpoint, PAPER)
    optimizer = plus_optimizer(adapted, PAPER)
    ended: list[Moment] = []
    plan = plan_of(task, len(questions) if together else 1)
    fit(checkpoint, examples, questions, plan, optimizer, work, lambda *_step: ended.append(moment()))
    return ended


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        ends = run(Task.read(sys.stdin.read()), Path(folder))
    print(json.dumps({"ends": ends, "peak_bytes": peak_bytes()}))

"""The whole recipe in order: vocabulary, four rungs two at a time, then the folder that ships."""

import json
import multiprocessing
import os
import random
import time
from collections.abc import Sequence
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from models.errors import TrainingError
from models.prompt import branch, cyclic, preamble
from models.question import Question
from models.settings import load_settings
from retrain.starter.aside import set_aside
from retrain.starter.card import write_card
from retrain.starter.corpus import CHINESE, documents, raw_chat, taught_items
from retrain.starter.family import FAMILY, FULL_BUDGET_S
from retrain.starter.rung import IDS, PROGRESS, RESULT, STAGES, TAUGHT, Order, train_rung
from retrain.starter.teacher import Progress as Say
from retrain.starter.teacher import Teacher, teacher_folder, tune_teacher, views
from retrain.starter.unlabelled import bursts, draw, write_taught
from retrain.starter.vocabulary import END_OF_TEXT, save_vocabulary, train_vocabulary

SIDE_BY_SIDE = 2
"""Rungs trained at once, each on one core: small matrices gain little from a second thread."""
_QUEUE = ("l", "m", "s", "xs")
"""The largest rung takes as long as the others together."""


def run_starter(
    data: Path,
    out: Path,
    work: Path,
    seed: int = 0,
    budget_cpu_s: float = FULL_BUDGET_S,
    device: str = "cpu",
    questions: Sequence[Question] | None = None,
) -> None:
    """Train the starter family from ``data`` and write it to ``out`` (base, adapters, card, hashes).

    ``work`` keeps every stage, so that a run that was killed goes on where it was; it is the caller's to remove.
    ``budget_cpu_s`` (seconds of one core, all processes together) scales how much is read. ``questions`` default to
    those of config.toml in the current folder. Raises InputError for missing files, TrainingError for a failed rung.
    """
    asked = tuple(questions if questions is not None else load_settings(Path("config.toml")).questions)
    work.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # spinning threads would count as computing
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    with _bars() as progress:
        task = progress.add_task("vocabulary", total=1, loss="")
        prepare(data, work, asked, seed)
        progress.update(task, completed=1)
        scale = budget_cpu_s / FULL_BUDGET_S
        task = progress.add_task("teacher", total=None, loss="")
        teach(data, work, asked, seed, scale, lambda step, steps, loss: _bar(progress, task, step, steps, loss))
        orders = [
            Order(shape=shape, data=data, work=work, seed=seed, scale=scale, device=device, questions=asked)
            for shape in sorted(FAMILY, key=lambda shape: _QUEUE.index(shape.name))
        ]
        _train(orders, progress)
    write_card(data, out, work, asked, seed=seed, budget_cpu_s=budget_cpu_s, device=device)


def prepare(data: Path, work: Path, questions: Sequence[Question], seed: int) -> None:
    """Learn the vocabulary and tokenize the raw chat into one stream of ids (uint16), if not done before."""
    if (work / IDS).exists():
        return
    started = time.process_time()
    chat = raw_chat(data, questions)
    texts = list(documents(chat, random.Random(seed)))  # noqa: S311 - where documents are cut, not secrets
    tokenizer = train_vocabulary([*texts, *[_template(questions)] * 300])
    save_vocabulary(tokenizer, work / "tokenizer")
    end = tokenizer.token_to_id(END_OF_TEXT)
    ids = [i for found in tokenizer.encode_batch(texts) for i in (*found.ids, end)]
    (work / "rooms.json").write_text(json.dumps(sorted({m.room for m in chat})), encoding="utf-8")
    aside = work / f"{IDS}.aside.npy"
    np.save(aside, np.array(ids, dtype=np.uint16))
    aside.replace(work / IDS)
    spent = {"stage": "vocabulary", "cpu_s": round(time.process_time() - started, 1)}
    (work / "times.jsonl").write_text(json.dumps(spent) + "\n", encoding="utf-8")


def teach(data: Path, work: Path, questions: Sequence[Question], seed: int, scale: float, progress: Say) -> None:
    """Tune the teacher on gold and have it label raw bursts of rooms that are not set aside, if not done before."""
    if (work / TAUGHT).exists():
        return
    started = time.process_time()
    chat = [m for m in raw_chat(data, questions) if not set_aside(m.room) and not m.room.startswith(CHINESE)]
    drawn = draw(list(bursts(chat)), drawn_count(scale), seed)
    teacher = Teacher(questions, teacher_folder())
    english = [item for item in taught_items(data, questions) if not item.conversation.startswith(CHINESE)]
    tune_teacher(teacher, english, seed, progress)
    write_taught(work / TAUGHT, drawn, views(teacher, drawn, progress))
    spent = {"stage": "teacher", "cpu_s": round(time.process_time() - started, 1)}
    with (work / "times.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(spent) + "\n")


def drawn_count(scale: float) -> int:
    """Raw bursts that the teacher labels: those of the passes, then those that only later lessons read."""
    return int((max(shape.soft for shape in FAMILY) + max(shape.mixed for shape in FAMILY)) * scale)


def _template(questions: Sequence[Question]) -> str:
    """Everything that a prompt repeats, so that it costs few tokens."""
    branches = [branch(q, order) for q in questions for order in cyclic(len(q.options))]
    return "".join(s.text for s in (*preamble(questions), *(s for b in branches for s in b.segments)) if not s.special)


def _train(orders: Sequence[Order], progress: Progress) -> None:
    context = multiprocessing.get_context("spawn")
    waiting = [order for order in orders if not (order.folder / RESULT).exists()]
    tasks = {order.shape.name: progress.add_task(order.shape.name, total=None, loss="") for order in orders}
    running: dict[str, SpawnProcess] = {}
    try:
        while waiting or running:
            while waiting and len(running) < SIDE_BY_SIDE:
                order = waiting.pop(0)
                process = context.Process(target=train_rung, args=(order,), daemon=True)
                process.start()
                running[order.shape.name] = process
            for order in orders:
                _show(order, tasks[order.shape.name], progress)
            for name, process in list(running.items()):
                if process.is_alive():
                    continue
                del running[name]
                if process.exitcode != 0:
                    raise TrainingError(f"training starter-{name} ended with exit status {process.exitcode}; see above")
            time.sleep(0.5)
    finally:
        for process in running.values():
            process.terminate()


def _show(order: Order, task: TaskID, progress: Progress) -> None:
    try:
        told: dict[str, Any] = json.loads((order.folder / PROGRESS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    stage = f"starter-{order.shape.name}: {told['stage']} ({STAGES.index(told['stage']) + 1}/{len(STAGES)})"
    loss = f"loss {told['loss']:.3f}"
    progress.update(task, description=stage, completed=told["step"], total=told["steps"], loss=loss)


def _bar(progress: Progress, task: TaskID, step: int, steps: int, loss: float) -> None:
    progress.update(task, completed=step, total=steps, loss=f"loss {loss:.3f}")


def _bars() -> Progress:
    return Progress(
        TextColumn("{task.description:<28}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[loss]}"),
        TimeElapsedColumn(),
    )

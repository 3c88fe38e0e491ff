"""What every arm of ``quandary bench train`` trains: the same model, the same made-up bursts in the same batches."""

import json
import random
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from models.llama.resolve import STARTER
from models.llama.shape import SHAPES
from models.prompt import branch, preamble
from models.question import Question
from models.settings import Settings, TrainSettings
from models.tokens import EncodedBranch, EncodedPrompt, encode_branch, join
from retrain.bench.forward import blank
from retrain.checkpoint import Checkpoint, load_base
from retrain.fit import Example, Plan, batches, drawn_orders, one_hot
from retrain.tokenizer import HubTokenizer

CHAT_TOKENS = (60, 180)
"""Tokens of window and burst, drawn evenly: 120 on average, as in a busy technical chat."""
PAPER = TrainSettings(rank=64, alpha=16, dropout=0.05, learning_rate=2e-4, plus_ratio=1.0, epochs=1, warmup_steps=10)
"""The paper's adapter and plain LoRA: what both sides can do."""
IDLE_STEPS = 2
"""The first step warms up, and the last one writes our state to the disk; neither is timed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One arm's order. A sample is one question about one burst; ``batch`` of them make a step."""

    arm: str
    model: str
    """A shape (random weights) or a rung of the starter family."""
    steps: int
    batch: int
    threads: int
    seed: int = 0

    def text(self) -> str:
        """As JSON, for a child process."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, text: str) -> "Task":
        """From JSON."""
        return cls(**json.loads(text))


def checkpoint_of(task: Task) -> Checkpoint:
    """The model in float32 with the starter's tokenizer; weights of a shape are drawn, not trained."""
    torch.set_num_threads(task.threads)
    if task.model not in SHAPES:
        return load_base(task.model)
    model: Any = blank(SHAPES[task.model])
    torch.manual_seed(task.seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(std=0.02)
            else:
                parameter.fill_(1.0)
    return Checkpoint(name=task.model, model=model, tokenizer=HubTokenizer(str(STARTER)), device=torch.device("cpu"))


def examples_of(task: Task, questions: Sequence[Question], tokenizer: HubTokenizer, *, together: bool) -> list[Example]:
    """Made-up bursts of random tokens, answered at random: a question an example, or all questions ``together``."""
    rng = random.Random(task.seed)  # noqa: S311 - made-up chat, nothing secret
    start = join(preamble(questions), tokenizer)
    count = (task.steps + IDLE_STEPS) * task.batch // len(questions)
    examples = []
    for _ in range(count):
        chat = tuple(rng.randrange(300, 4000) for _ in range(rng.randint(*CHAT_TOKENS)))
        prompt = EncodedPrompt(preamble=start, chat=chat, branches=())
        targets = {q.id: one_hot(q, rng.choice(q.options).id) for q in questions}
        parts = [targets] if together else [{q: target} for q, target in targets.items()]
        examples += [Example(prompt=prompt, targets=part) for part in parts]
    return examples


def plan_of(task: Task, questions: int) -> Plan:
    """One pass over the examples, each with ``questions`` questions; a step has ``task.batch`` samples."""
    return Plan(epochs=1, batch=task.batch // questions, warmup_steps=PAPER.warmup_steps, seed=task.seed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One sample written out, as any trainer of causal language models takes it; the answer is its last token."""

    ids: tuple[int, ...]
    answer: int


def rows_of(task: Task, questions: Sequence[Question], tokenizer: HubTokenizer) -> list[Row]:
    """The samples one by one in the order in which our loop takes them, options in the order that it draws."""
    examples = examples_of(task, questions, tokenizer, together=False)
    by_id = {q.id: q for q in questions}
    plan = plan_of(task, 1)
    rows = []
    for step, chosen in enumerate(batches(examples, plan, 0)):
        orders = drawn_orders([examples[i] for i in chosen], plan, step)
        for i, drawn in zip(chosen, orders, strict=True):
            for question, order in drawn:
                target = examples[i].targets[question]
                asked: EncodedBranch = encode_branch(branch(by_id[question], order), tokenizer)
                letter = asked.letters[order.index(target.index(1.0))]
                prompt = examples[i].prompt
                rows.append(Row(ids=(*prompt.preamble, *prompt.chat, *asked.ids), answer=letter))
    return rows


Moment = tuple[float, float]
"""Seconds on the clock, and seconds of this process's computing time (all threads)."""


def moment() -> Moment:
    """Now."""
    return time.perf_counter(), time.process_time()


def peak_bytes() -> int:
    """The most memory that this process has had at once.

    Not ``ru_maxrss``: on Linux that begins with what the parent had when it started the child.
    """
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def default_questions() -> tuple[Question, ...]:
    """The questions that ship."""
    return Settings.model_validate({}).questions

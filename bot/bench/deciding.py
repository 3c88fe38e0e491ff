"""The measurement behind ``quandary bench decide``: one model, all arms, round by round."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bot.bench.arms import Arm, Completions, Spent, Transformers, decider, new_tokens, plain, resident_mb, timed
from bot.bench.prompts import Workload, workload
from bot.bench.waiting import Waited, drain
from bot.pipeline import BURSTS_MAX
from models.chat import Burst
from models.errors import ModelError
from models.llama.decider import LlamaDecider
from models.llama.engine import Engine
from models.llama.yardstick import ChatCompletions
from models.prompt import branches
from models.question import Question
from models.tokens import encode_branch

CHAT, REUSE, TRANSFORMERS = "chat completion", "chat completion, prefix reused", "transformers"
ONE, ALL = "ours, one question", "ours, all questions"
PLAIN_ONE, PLAIN_ALL = "plain decode of as many tokens, one", "plain decode of as many tokens, all"
RATIOS: Mapping[str, tuple[str, str]] = {
    "faster than chat completion": (CHAT, ONE),
    "faster than chat completion with its prefix reused": (REUSE, ONE),
    "faster than transformers": (TRANSFORMERS, ONE),
    "share of the ceiling, one question": (PLAIN_ONE, ONE),
    "share of the ceiling, all questions": (PLAIN_ALL, ALL),
    "all questions against one": (ALL, ONE),
}
"""Name: (what stands above, what below)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to measure: ``tokens`` a prompt, ``rounds``, lengths of ``queues``; ``rivals`` off leaves ours alone."""

    threads: int
    tokens: int
    rounds: int
    queues: tuple[int, ...]
    repack: bool
    rivals: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One model's figures; ``ratios`` are medians over rounds of a ratio within a round: by wall clock, by CPU time."""

    model: str
    prompt_tokens: int
    preamble_tokens: int
    new_tokens_one: int
    new_tokens_all: int
    file_mb: float
    resident_mb: float
    """What loading and deciding added to this process."""
    spent: Mapping[str, Spent]
    """Medians over rounds."""
    ratios: Mapping[str, tuple[float, float]]
    waited: tuple[Waited, ...]


def measure(
    path: Path,
    questions: Sequence[Question],
    plan: Plan,
    *,
    shape: str | None = None,
    advance: Callable[[str], None] = lambda _: None,
) -> Measured:
    """Measure a GGUF; ``shape`` names its shape where transformers can run it too. Raises ModelError."""
    with ExitStack() as stack:
        before = resident_mb()
        orders = sum(len(q.options) for q in questions)
        engine = Engine(path, threads=plan.threads, tokens=3 * plan.tokens, branches=orders, repack=plan.repack)
        stack.callback(engine.close)
        branch = max(len(encode_branch(b, engine).ids) for b in branches(questions[:1]))
        count = max(len(RATIOS) * (plan.rounds + 1), *plan.queues)
        work = workload(questions, engine, tokens=plan.tokens, branch=branch, count=count)
        budget = 2 * plan.tokens
        one = decider(engine, work.questions, work.questions[:1], budget)
        whole = decider(engine, work.questions, work.questions, budget)
        whole.decide(work.bursts[:1])
        resident = resident_mb() - before
        arms: dict[str, Arm] = {}
        if plan.rivals:
            chat = ChatCompletions(path, threads=plan.threads, tokens=2 * plan.tokens, repack=plan.repack)
            stack.callback(chat.close)
            completions = Completions(chat, work.questions, work.questions[0])
            _same_prompt(completions, one, work)
            arms |= {CHAT: completions.arm(reuse=False), REUSE: completions.arm(reuse=True)}
            if shape is not None:
                rival = Transformers(shape, threads=plan.threads, stack=stack)
                arms[TRANSFORMERS] = rival.arm(engine, work.questions, work.questions[0], budget)
        arms |= {ONE: _ours(one), PLAIN_ONE: plain(engine, one), ALL: _ours(whole), PLAIN_ALL: plain(engine, whole)}
        rounds = _rounds(arms, work.bursts, plan.rounds, advance)
        waited = _queues(whole, work.bursts, plan.queues, advance)
        prompt, short = whole.encode(work.bursts[0]), one.encode(work.bursts[0])
    return Measured(
        model=path.name,
        prompt_tokens=short.length,
        preamble_tokens=len(short.preamble),
        new_tokens_one=new_tokens(short),
        new_tokens_all=new_tokens(prompt),
        file_mb=path.stat().st_size / 1e6,
        resident_mb=resident,
        spent={name: _median([found[name] for found in rounds]) for name in arms},
        ratios={name: _ratio(rounds, *pair) for name, pair in RATIOS.items() if all(arm in arms for arm in pair)},
        waited=waited,
    )


def _ours(asked: LlamaDecider) -> Arm:
    return timed(lambda burst: asked.decide([burst]))


def _same_prompt(completions: Completions, one: LlamaDecider, work: Workload) -> None:
    """All arms must read the same tokens: this library tokenizes the prompt whole, we piece by piece."""
    prompt = one.encode(work.bursts[0])
    ours = [len(prompt.preamble) + len(prompt.chat) + len(branch.ids) for branch in prompt.branches]
    theirs = completions.ask(work.bursts[0], reuse=False)
    if ours != theirs:
        raise ModelError(f"the arms would read different prompts ({theirs} and {ours} tokens); use a ChatML model")


def _rounds(
    arms: Mapping[str, Arm], bursts: Sequence[Burst], rounds: int, advance: Callable[[str], None]
) -> list[dict[str, Spent]]:
    """Every arm once a round, each on a burst that it has not seen; the first round warms up and does not count."""
    found: list[dict[str, Spent]] = []
    for number in range(rounds + 1):
        spent: dict[str, Spent] = {}
        for place, (name, arm) in enumerate(arms.items()):
            spent[name] = arm(bursts[(number * len(arms) + place) % len(bursts)])
            advance(name)
        found.append(spent)
    return found[1:]


def _queues(
    whole: LlamaDecider, bursts: Sequence[Burst], queues: Sequence[int], advance: Callable[[str], None]
) -> tuple[Waited, ...]:
    """Drain each queue as the pipeline does, and a short one burst by burst to compare with."""
    found: list[Waited] = []
    for waiting in queues:
        if 1 < waiting <= BURSTS_MAX:
            found.append(drain(whole, bursts[:waiting], 1))
        found.append(drain(whole, bursts[:waiting], min(waiting, BURSTS_MAX)))
        advance(f"{waiting} waiting")
    return tuple(found)


def _median(spent: Sequence[Spent]) -> Spent:
    return Spent(float(np.median([s.ms for s in spent])), float(np.median([s.cpu_ms for s in spent])))


def _ratio(rounds: Sequence[Mapping[str, Spent]], above: str, below: str) -> tuple[float, float]:
    wall = [found[above].ms / found[below].ms for found in rounds]
    cpu = [found[above].cpu_ms / found[below].cpu_ms for found in rounds]
    return float(np.median(wall)), float(np.median(cpu))

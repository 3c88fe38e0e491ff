"""The arms of ``quandary bench decide``: the same questions about chats of the same length, asked in different ways.

An arm decides one burst and says what it spent. Every arm gets a burst of its own, so that none finds what another has
read; all of them have the preamble read already where they keep it.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.calibration import Calibration
from models.chat import Burst
from models.errors import ModelError
from models.ids import Revision
from models.llama.decider import LlamaDecider
from models.llama.engine import Engine
from models.llama.layout import tree
from models.llama.yardstick import ChatCompletions
from models.prompt import render
from models.question import Question
from models.tokens import EncodedPrompt, encode


@dataclass(frozen=True, slots=True)
class Spent:
    """What one decision took: milliseconds of wall clock, and of processor time over all threads."""

    ms: float
    cpu_ms: float


Arm = Callable[[Burst], Spent]


def timed(job: Callable[[Burst], object]) -> Arm:
    """An arm that runs in this process."""

    def arm(burst: Burst) -> Spent:
        began, used = time.perf_counter(), time.process_time()
        job(burst)
        return Spent((time.perf_counter() - began) * 1000, (time.process_time() - used) * 1000)

    return arm


def decider(engine: Engine, questions: tuple[Question, ...], asked: tuple[Question, ...], budget: int) -> LlamaDecider:
    """Our way, for some of the questions or all; a neutral calibration costs as much as a fitted one."""
    return LlamaDecider(
        engine=engine,
        questions=questions,
        asked=asked,
        budget=budget,
        revision=Revision("bench"),
        calibration=Calibration(gguf_sha256="", questions={}),
    )


def plain(engine: Engine, asked: LlamaDecider) -> Arm:
    """llama.cpp's own prompt processing of as many new tokens at the same depth: the ceiling."""
    prompts: dict[str, EncodedPrompt] = {}

    def prepared(burst: Burst) -> Spent:
        prompt = prompts.setdefault(burst.id, asked.encode(burst))
        return timed(lambda _: engine.read_plainly(prompt.preamble, new_tokens(prompt)))(burst)

    return prepared


def new_tokens(prompt: EncodedPrompt) -> int:
    """How many tokens of a prompt our way has to read once the preamble is cached."""
    return len(prompt.chat) + tree(prompt.branches).size


class Completions:
    """llama-cpp-python's ``create_chat_completion``, once for each order of one question's options."""

    def __init__(self, chat: ChatCompletions, questions: tuple[Question, ...], asked: Question) -> None:
        self._chat = chat
        self._questions = questions
        self._asked = asked

    def arm(self, *, reuse: bool) -> Arm:
        """The arm; with ``reuse`` the library keeps the prefix that it has read already."""
        return timed(lambda burst: self.ask(burst, reuse=reuse))

    def ask(self, burst: Burst, *, reuse: bool) -> list[int]:
        """Ask about a burst; returns each prompt's length in tokens."""
        prompt = render(burst, [self._asked], self._questions)
        system = prompt.preamble[1].text.removeprefix("system\n")
        chat = "".join(segment.text for segment in (*prompt.messages, prompt.burst))
        return [self._chat.ask(system, chat + branch.segments[0].text, reuse=reuse) for branch in prompt.branches]


class Transformers:
    """A shape in transformers, in a process of its own: one whole prompt a forward pass, last logits only."""

    def __init__(self, shape: str, *, threads: int, stack: ExitStack) -> None:
        command = [sys.executable, "-m", "retrain", "bench", "forward", shape, "--threads", str(threads)]
        self._child = stack.enter_context(
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        )
        stack.callback(self._child.terminate)
        self._read()

    def arm(self, engine: Engine, questions: tuple[Question, ...], asked: Question, budget: int) -> Arm:
        """The arm for one question; the child times itself, so that the pipe does not count."""

        def ask(burst: Burst) -> Spent:
            prompt = encode(render(burst, [asked], questions), engine, budget)
            whole = [[*prompt.preamble, *prompt.chat, *branch.ids] for branch in prompt.branches]
            self._write(json.dumps(whole))
            found = self._read()
            return Spent(float(found["ms"]), float(found["cpu_ms"]))

        return ask

    def _write(self, line: str) -> None:
        try:
            if self._child.stdin is not None:
                self._child.stdin.write(line + "\n")
                self._child.stdin.flush()
        except OSError as error:
            raise ModelError(f"the process with transformers has gone ({error}); see what it printed above") from error

    def _read(self) -> dict[str, Any]:
        line = self._child.stdout.readline() if self._child.stdout else ""
        if not line:
            raise ModelError("the process with transformers ended; see what it printed above")
        answer: dict[str, Any] = json.loads(line)
        return answer


def resident_mb() -> float:
    """Memory of this process that is resident now, in MB; 0 where the system does not tell."""
    try:
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1000
    except OSError:
        return 0.0
    return 0.0

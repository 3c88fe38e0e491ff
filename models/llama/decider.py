"""Deciding with a GGUF: render, encode, score, average over option orders, calibrate."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from models.calibration import Calibration, read_calibration
from models.chat import Burst
from models.deciding import decision
from models.decision import Decision
from models.errors import ModelError
from models.ids import Revision
from models.llama.engine import Engine
from models.llama.resolve import sha256_of
from models.prompt import branches, chat_lines, preamble
from models.question import Question
from models.scoring import average_orders
from models.settings import DecideSettings
from models.tokens import EncodedPrompt, Template, encode_template


def open_decider(
    path: Path,
    questions: Sequence[Question],
    decide: DecideSettings,
    expected_sha256: str | None = None,
    *,
    adapter: Path | None = None,
) -> "LlamaDecider":
    """Load a GGUF with its calibration, and a LoRA adapter (GGUF) over it where one is named.

    Raises ModelError where a file is missing or corrupt, or the model's hash is not the expected one.
    """
    digest = sha256_of(path)
    if expected_sha256 is not None and digest != expected_sha256:
        raise ModelError(f"{path} has changed since it was approved (its SHA-256 differs); it is not loaded")
    orders = sum(len(question.options) for question in questions)
    # A byte is a token at the most; characters would be too few, for a Chinese one may take three.
    wordings = sum(
        len(q.options) * (len(q.text.encode()) + sum(len(o.wording.encode()) + 4 for o in q.options) + 16)
        for q in questions
    )
    engine = Engine(
        path, threads=decide.threads, tokens=decide.max_prompt_tokens + min(wordings, 8192), branches=orders
    )
    if adapter is not None:
        try:
            engine.lay(adapter)
        except ModelError:
            engine.close()
            raise
    return LlamaDecider(
        engine=engine,
        questions=questions,
        budget=decide.max_prompt_tokens,
        revision=Revision(digest[:12]),
        calibration=read_calibration(path, digest),
    )


class LlamaDecider:
    """A loaded GGUF that answers all questions about a burst, or several bursts, with one decode.

    ``budget`` bounds a prompt's tokens. ``asked`` are the questions that are answered, all of them by default; the
    preamble defines all of them in any case, as in training.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        questions: Sequence[Question],
        budget: int,
        revision: Revision,
        calibration: Calibration,
        asked: Sequence[Question] | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._engine = engine
        self._defined = tuple(questions)
        self._questions = self._defined if asked is None else tuple(asked)
        self._budget = budget
        self._now = now
        self._template: Template | None = None
        self.revision = revision
        self.calibration = calibration

    def scores(self, burst: Burst) -> list[list[float]]:
        """Each question's option scores (nats, averaged over option orders, before calibration)."""
        return self._scores([self.encode(burst)])[0]

    def encode(self, burst: Burst) -> EncodedPrompt:
        """Render and tokenize a burst with all questions, within the token budget."""
        if self._template is None:  # here and not at the start, so that questions too long are a ModelError of deciding
            self._template = encode_template(
                preamble(self._defined), branches(self._questions), self._engine, self._budget
            )
        return self._template.filled(*chat_lines(burst.text, burst.sender, burst.window), self._engine)

    def decide(self, bursts: Sequence[Burst]) -> list[tuple[Decision, ...]]:
        """Answer every question about every burst; raises ModelError where the backend fails.

        ``milliseconds`` of a decision is its burst's share of the time that all of them took.
        """
        began = time.perf_counter()
        scores = self._scores([self.encode(burst) for burst in bursts])
        spent = (time.perf_counter() - began) * 1000 / max(len(bursts), 1)
        told = partial(
            decision, calibration=self.calibration, revision=self.revision, milliseconds=spent, at=self._now()
        )
        return [
            tuple(told(burst, question, s) for question, s in zip(self._questions, found, strict=True))
            for burst, found in zip(bursts, scores, strict=True)
        ]

    def close(self) -> None:
        """Release the model's memory."""
        self._engine.close()

    def _scores(self, prompts: Sequence[EncodedPrompt]) -> list[list[list[float]]]:
        return [
            [self._average(question, prompt, logits) for question in self._questions]
            for prompt, logits in zip(prompts, self._engine.score_all(prompts), strict=True)
        ]

    @staticmethod
    def _average(question: Question, prompt: EncodedPrompt, logits: Sequence[Sequence[float]]) -> list[float]:
        rows = [i for i, branch in enumerate(prompt.branches) if branch.question == question.id]
        return average_orders([logits[i] for i in rows], [prompt.branches[i].order for i in rows])

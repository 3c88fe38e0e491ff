"""Deciding with a model server: render, send a request for each option order, average, calibrate."""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from models.calibration import Calibration, read_calibration
from models.chat import Burst
from models.deciding import decision
from models.decision import Decision
from models.errors import ModelError, QuandaryError
from models.ids import Revision
from models.prompt import render
from models.question import Question
from models.remote.connection import Connection
from models.remote.identity import calibration_place, server_hash, server_revision
from models.remote.loop import LoopThread
from models.remote.wire import requests_of
from models.scoring import average_orders
from models.settings import DecideSettings, Settings, secret
from models.tokens import Tokenizer

Scores = list[list[float]]
"""Each question's option scores of one burst: nats, averaged over option orders, before calibration."""


def open_remote(settings: Settings, tokenizer: Tokenizer | None = None) -> "RemoteDecider":
    """Make ready to ask the server of [decide.server]; nothing is sent before the first decision.

    ``tokenizer`` is the served model's, needed for ``prompt = "tokens"``. Raises SettingsError where the named API key
    is not set, ModelError where the calibration in the data directory cannot be read.
    """
    decide = settings.decide
    if decide.server.url is None or decide.server.model is None:
        raise ModelError("config.toml names no model server; give url and model in [decide.server]")
    if decide.server.prompt == "tokens" and tokenizer is None:
        raise ModelError('prompt = "tokens" needs a tokenizer in [decide.server]')
    place = calibration_place(settings.data_dir, decide)
    return RemoteDecider(
        connection=Connection(decide.server, secret(decide.server.api_key_env)),
        questions=settings.questions,
        decide=decide,
        revision=server_revision(decide),
        calibration=read_calibration(place, server_hash(decide)),
        tokenizer=tokenizer,
    )


class RemoteDecider:
    """A served model that answers all questions about bursts; requests run side by side up to a bound."""

    def __init__(
        self,
        *,
        connection: Connection,
        questions: Sequence[Question],
        decide: DecideSettings,
        revision: Revision,
        calibration: Calibration,
        tokenizer: Tokenizer | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._connection = connection
        self._questions = tuple(questions)
        self._settings = decide
        self._tokenizer = tokenizer
        self._now = now
        self._loop = LoopThread("model-server")
        self._closed = False
        self.revision = revision
        self.calibration = calibration

    def scores(self, burst: Burst) -> Scores:
        """Each question's option scores (nats, averaged over option orders, before calibration)."""
        return self._read([burst])[0][0]

    def decide(self, bursts: Sequence[Burst]) -> list[tuple[Decision, ...]]:
        """Answer every question about every burst; raises ModelError where the server fails at one of them."""
        return [
            tuple(self._decision(burst, q, s, spent) for q, s in zip(self._questions, scores, strict=True))
            for burst, (scores, spent) in zip(bursts, self._read(bursts), strict=True)
        ]

    def close(self) -> None:
        """Close the connection and end its thread."""
        self._closed = True
        self._loop.close(last=self._connection.close)

    def _read(self, bursts: Sequence[Burst]) -> list[tuple[Scores, float]]:
        """Scores and milliseconds of each burst."""
        if self._closed:
            raise ModelError("the connection to the model server has been closed; the bot is stopping")
        return self._loop.run(self._read_all(bursts))

    async def _read_all(self, bursts: Sequence[Burst]) -> list[tuple[Scores, float]]:
        try:
            async with asyncio.TaskGroup() as tasks:
                running = [tasks.create_task(self._read_one(burst)) for burst in bursts]
        except BaseExceptionGroup as group:
            raise _first(group) from group
        return [task.result() for task in running]

    async def _read_one(self, burst: Burst) -> tuple[Scores, float]:
        prompt = render(burst, self._questions, self._questions)
        asked = requests_of(prompt, self._settings.server, self._settings.max_prompt_tokens, self._tokenizer)
        begun: list[float] = []
        async with asyncio.TaskGroup() as tasks:
            running = [
                tasks.create_task(self._connection.scores(request, lambda: begun.append(time.perf_counter())))
                for request in asked
            ]
        spent = (time.perf_counter() - min(begun)) * 1000
        found: Scores = []
        for question in self._questions:
            rows = [i for i, branch in enumerate(prompt.branches) if branch.question == question.id]
            nats = [running[i].result() for i in rows]
            found.append(average_orders(nats, [prompt.branches[i].order for i in rows]))
        return found, spent

    def _decision(self, burst: Burst, question: Question, scores: Sequence[float], milliseconds: float) -> Decision:
        return decision(
            burst,
            question,
            scores,
            self.calibration,
            revision=self.revision,
            milliseconds=milliseconds,
            at=self._now(),
        )


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """What a group of failures comes down to: the first one that can be explained, else the group itself."""
    found = group.subgroup(QuandaryError)
    if found is None:
        return group
    error: BaseException = found
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error

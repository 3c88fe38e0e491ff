"""Rungs trained out of fold on planted labels, as the learning cycle trains them: the slow part of a benchmark."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from models.errors import InputError
from models.item import Item
from models.metrics import Floats
from models.question import Question
from models.scoring import distribution, positive_probability
from models.settings import Settings
from retrain.checkpoint import load_base, parameter_count
from retrain.ladder import Advance, Course, Rung, cross_fit, shipped_adapter


def untaught(rungs: Sequence[str]) -> Sequence[str]:
    """Give the names back; raises InputError for one whose shipped adapter has learned from gold labels."""
    for name in rungs:
        if shipped_adapter(name) is not None:
            told = name.replace("starter-", "starter-base-")
            raise InputError(f"{name} has learned from gold labels already and cannot judge them; name {told}")
    return rungs


class UpperRungs:
    """Trains the rungs on each set of labels it is called with; what is trained stays in ``work`` for another run.

    Raises InputError for a rung whose shipped adapter has learned from gold labels: it saw what it would judge.
    """

    def __init__(self, rungs: Sequence[str], settings: Settings, work: Path, say: Callable[[str], None]) -> None:
        self._rungs = [
            Rung(
                name=name,
                base=name,
                parameters=parameter_count(load_base(name).model),
                seconds=0.0,
                vanilla={},
                tuned={},
            )
            for name in untaught(rungs)
        ]
        self._settings = settings
        self._work = work
        self._say = say

    def __call__(self, question: Question, rows: Sequence[Item], given: Floats) -> Floats:
        """Probabilities (rungs, n) of the positive answer, each by an adapter trained on other conversations."""
        course = Course(
            questions=(replace(question, after={}),),
            train=self._settings.train,
            budget=self._settings.decide.max_prompt_tokens,
            work=self._work,
            stage=self._stage,
        )
        said = [question.positive if label > 0.5 else question.negatives[0] for label in given]
        items = [replace(item, answers={question.id: option}) for item, option in zip(rows, said, strict=True)]
        found = []
        for rung in self._rungs:
            scores = cross_fit(rung, items, course).tuned[question.id]
            named = [distribution(question, scores[item.burst.id]) for item in items]
            found.append([positive_probability(question, chance) for chance in named])
        return np.array(found, dtype=np.float64)

    @contextmanager
    def _stage(self, name: str) -> Iterator[Advance]:
        self._say(name)
        yield lambda _done, _total, _loss: None

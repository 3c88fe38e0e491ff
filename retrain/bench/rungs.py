"""Rungs trained out of fold on planted labels, as the learning cycle trains them: the slow part of a benchmark."""

from collections.abc import Sequence
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
from retrain.ladder import Course, Rung, cross_fit, prepared_base, shipped_adapter
from retrain.stage import Say, told


def untaught(rungs: Sequence[str], *, unseen: bool = False) -> Sequence[str]:
    """Give the names back.

    Raises InputError for a rung whose shipped adapter has learned from gold labels, unless the rows that it is to judge
    are said to be ``unseen``.
    """
    for name in rungs:
        if shipped_adapter(name) is not None and not unseen:
            base = name.replace("starter-", "starter-base-")
            raise InputError(
                f"{name} has learned from gold labels already and cannot judge what it learned from; name {base}, or "
                "say --unseen where these rows come from other conversations"
            )
    return rungs


class UpperRungs:
    """Trains the rungs on each set of labels it is called with; what is trained stays in ``work`` for another run.

    Raises InputError for a rung whose shipped adapter has learned from gold labels: it saw what it would judge, where
    the rows are not ``unseen``.
    """

    def __init__(self, rungs: Sequence[str], settings: Settings, work: Path, say: Say, *, unseen: bool = False) -> None:
        bases = {name: prepared_base(name, work) for name in untaught(rungs, unseen=unseen)}
        self._rungs = [
            Rung(
                name=name,
                base=base,
                parameters=parameter_count(load_base(base).model),
                seconds=0.0,
                vanilla={},
                tuned={},
            )
            for name, base in bases.items()
        ]
        self._course = Course.of(settings, work, told(say))

    def __call__(self, question: Question, rows: Sequence[Item], given: Floats) -> Floats:
        """Probabilities (rungs, n) of the positive answer, each by an adapter trained on other conversations."""
        course = replace(self._course, questions=(replace(question, after={}),))
        said = [question.positive if label > 0.5 else question.negatives[0] for label in given]
        items = [replace(item, answers={question.id: option}) for item, option in zip(rows, said, strict=True)]
        found = []
        for rung in self._rungs:
            scores = cross_fit(rung, items, course).tuned[question.id]
            named = [distribution(question, scores[item.burst.id]) for item in items]
            found.append([positive_probability(question, chance) for chance in named])
        return np.array(found, dtype=np.float64)

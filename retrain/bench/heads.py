"""Upper rungs stood in for by logistic heads on their frozen hidden states: minutes where training them takes hours."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from models.ids import BurstId, QuestionId
from models.item import Item
from models.metrics import Floats
from models.question import Question
from models.settings import Settings
from retrain.bench.acquisition.hidden import Hidden, hidden_states
from retrain.bench.rungs import untaught
from retrain.head import STRENGTH
from retrain.ladder import prepared_base
from retrain.peer import Fold, fold_of, out_of_fold
from retrain.stage import Say
from retrain.suspects import FOLDS


class UpperHeads:
    """One head for each rung, fitted out of fold by conversation on whatever labels it is called with.

    Hidden states at the answer are read once, and kept in ``work`` for another run. Raises InputError for a rung whose
    shipped adapter has learned from gold labels: it saw what it would judge, where the rows are not ``unseen``.
    """

    def __init__(
        self,
        rungs: Sequence[str],
        items: Sequence[Item],
        settings: Settings,
        work: Path,
        say: Say,
        *,
        unseen: bool = False,
    ) -> None:
        self._places = {item.burst.id: place for place, item in enumerate(items)}
        self._questions = {question.id: place for place, question in enumerate(settings.questions)}
        self._states: list[Hidden] = []
        for name in untaught(rungs, unseen=unseen):
            say(f"hidden states of {name} for {len(items)} bursts")
            base, budget = prepared_base(name, work), settings.decide.max_prompt_tokens
            self._states.append(hidden_states(base, items, settings.questions, budget, work))
        self._cut: dict[tuple[QuestionId, tuple[BurstId, ...]], list[list[Fold]]] = {}

    def __call__(self, question: Question, rows: Sequence[Item], given: Floats) -> Floats:
        """Probabilities (rungs, n) of the positive answer, each by a head that saw other conversations only."""
        key = (question.id, tuple(item.burst.id for item in rows))
        if key not in self._cut:
            self._cut = {key: self._folded(question, rows)}
        return np.stack([out_of_fold(given, cut, STRENGTH) for cut in self._cut[key]])

    def _folded(self, question: Question, rows: Sequence[Item]) -> list[list[Fold]]:
        places = [self._places[item.burst.id] for item in rows]
        fold = np.array([fold_of(item.conversation, FOLDS) for item in rows], dtype=np.int64)
        found = []
        for states in self._states:
            features = _scaled(states[places, self._questions[question.id]].astype(np.float64))
            cut = []
            for number in np.unique(fold):
                others, held = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
                cut.append(Fold(others=others, held=held, seen=features[others], unseen=features[held]))
            found.append(cut)
        return found


def _scaled(rows: Floats) -> Floats:
    """Columns with mean 0 and one variance, so that rows [n, width] have a length of about 1; no label is seen."""
    centred = rows - rows.mean(axis=0)
    spread = centred.std(axis=0)
    found: Floats = centred / np.where(spread > 0, spread, 1.0) / np.sqrt(rows.shape[1])
    return found

"""Reading the untrained ladder in two wordings of a question, on labels that calibrate and judge nothing."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from models.consent import Modes
from models.errors import TooFewLabels
from models.item import Item
from models.labelled import read_items
from models.learning_lock import alone
from models.question import Question, versions
from models.settings import Settings
from models.shareable import shareable
from models.store import labels
from models.store.database import Database
from retrain.candidate import writing
from retrain.cycle import thinned
from retrain.judged import judged
from retrain.ladder import Course, read_vanilla, rising
from retrain.revision.trial import Trial, trial
from retrain.split import LEAST_ITEMS, split
from retrain.stage import Stage

WORK = "revise"
"""Folder beside those of the cycles: readings stay there, so that a second try of words reads the old ones no more."""


def labelled(db: Database, settings: Settings, question: Question, file: Path | None, most: int) -> tuple[Item, ...]:
    """Bursts to read, at most ``most``, spread over time, with their answers to this question alone.

    Held-out conversations are left out, for words chosen by them would be judged on what they were chosen by. Raises
    TooFewLabels.
    """
    if file is None:
        modes = Modes(settings.rooms())
        known = labels.items(
            db,
            versions(settings.questions),
            settings.ask.audit_block_minutes,
            lambda *room: modes.of(*room).mode,
        )
        fair: Sequence[Item] = split(known, holdout_share=settings.gate.holdout_share, folds=settings.train.folds).train
    else:
        fair = read_items(file, settings.questions)
    found = [
        replace(item, burst=shareable(item.burst), answers={question.id: item.answers[question.id]})
        for item in fair
        if question.id in item.answers
    ]
    if len(found) < LEAST_ITEMS:
        raise TooFewLabels(
            f"{len(found)} labels of {question.id} may be read here (those held out are not), and comparing wordings "
            f"needs {LEAST_ITEMS - len(found)} more; --items 0 adopts a wording without comparing"
        )
    return thinned(found, most)


def measure(
    settings: Settings, question: Question, new: Question, items: Sequence[Item], rungs: int, stage: Stage
) -> Trial:
    """Read the first ``rungs`` rungs (0: all) in both wordings; raises ModelError or (a cycle runs) TrainingError."""
    work = settings.data_dir / "work" / WORK
    names = settings.ladder.rungs[: rungs or None]
    before, after = (_course(settings, words, work, stage) for words in (question, new))
    with alone(settings.data_dir), writing(work):
        pairs = [(read_vanilla(name, items, before), read_vanilla(name, items, after)) for name in names]
    rising([old for old, _ in pairs])
    return trial(
        [judged(question, items, old.vanilla[question.id]) for old, _ in pairs],
        [judged(new, items, made.vanilla[question.id]) for _, made in pairs],
        names,
        [old.parameters for old, _ in pairs],
        settings.gate.alpha,
        np.random.default_rng(settings.train.seed),
    )


def _course(settings: Settings, words: Question, work: Path, stage: Stage) -> Course:
    asked = tuple(words if q.id == words.id else q for q in settings.questions)
    return replace(Course.of(settings, work, stage), questions=asked)

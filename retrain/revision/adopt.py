"""Adopting a wording, taking it back, and filling in what the next cycle makes of it."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import numpy as np

from models.errors import InputError
from models.ids import CandidateId, QuestionId
from models.question import Question, versions
from models.revision import Round, RungReading
from models.settings import own_settings
from models.settings.wordings import overlaid, read_adopted, write_adopted
from models.store import learning, queues, revisions, standing
from models.store.database import Database, transaction
from models.wording import Adopted, Wording, wording_of
from retrain.evidence_file import FILE, read_evidence
from retrain.revision.trial import readings
from retrain.scaling.ladder import Ladder
from retrain.trend import rung_score


def adopt(
    db: Database,
    config: Path,
    present: Sequence[Question],
    new: Question,
    *,
    by: str,
    why: str,
    at: datetime,
    tried: Mapping[str, object] | None = None,
    back: bool = False,
) -> Round:
    """Make a wording the present one and write the round down, both or neither; ``present`` are all questions now.

    Where it is config.toml's own, nothing is laid over that file any more. Raises SettingsError or StoreError; then
    the words are what they were.
    """
    settings = own_settings(config)
    question = next(q for q in present if q.id == new.id)
    own = next(q for q in settings.questions if q.id == new.id)
    adopted = read_adopted(settings.data_dir)
    known = revisions.rounds(db, question.id)
    made = Round(
        question=question.id,
        round=1 + max((one.round for one in known), default=0),
        old=wording_of(question),
        new=wording_of(new),
        old_version=question.version,
        new_version=new.version,
        back=back,
        by=by,
        why=why,
        at=at,
        labels=sum(standing.by_option(db, question.id, question.version).values()),
        tried=tried,
        before=last_ladder(db, settings.data_dir, present, question.id),
    )
    if new.version == own.version:
        adopted.pop(question.id, None)
    else:
        adopted[question.id] = Adopted(question=question.id, wording=made.new, over=own.version, by=by, at=at)
        overlaid(settings.question, adopted)  # what cannot be read again must not be written
    with transaction(db):
        queues.note(db, queues.Words(questions=tuple(present), guideline=None), at)
        revisions.put(db, made)
        write_adopted(settings.data_dir, adopted)  # last: the row goes if this fails
    return made


def before_last(db: Database, question: Question) -> Wording:
    """The words that the present ones took the place of; raises InputError where no round made the present ones."""
    for one in reversed(revisions.rounds(db, question.id)):
        if one.new_version == question.version and not one.back:
            return one.old
    raise InputError(f"the present words of {question.id} are not those of a revision round, so there is no way back")


def last_ladder(
    db: Database, data_dir: Path, present: Sequence[Question], question: QuestionId
) -> tuple[RungReading, ...] | None:
    """The newest ladder that a cycle read in the present words; None where none can be read any more."""
    known = versions(present)
    for candidate, _ in learning.candidates(db):
        if candidate.question_versions == known:
            with suppress(InputError):
                evidence = read_evidence((data_dir / candidate.gguf_path).parent / FILE, present)
                return next((figures(one) for one in evidence.ladders if one.question.id == question), None)
    return None


def fill_after(db: Database, ladders: Sequence[Ladder], candidate: CandidateId) -> None:
    """Put a cycle's ladders beside the rounds whose words they were read in, where these have none yet."""
    for ladder in ladders:
        read = figures(ladder)
        if read:
            revisions.fill_after(db, ladder.question.id, ladder.question.version, read, candidate)


def figures(ladder: Ladder) -> tuple[RungReading, ...]:
    """A cycle's ladder as the history keeps it."""
    rng = np.random.default_rng(0)  # for intervals, which are not kept
    trained = ladder.trained()
    arms = {"vanilla": (ladder, ladder.vanilla), "tuned": (trained, trained.tuned)}
    found: tuple[RungReading, ...] = ()
    for arm, (of, rungs) in arms.items():
        if rungs and len(rungs[0]):
            scores = [rung_score(*one, rng) for one in zip(of.rungs, of.parameters, rungs, strict=True)]
            found += readings(arm, scores)
    return found

"""What the gate judges by: held-out bursts, read with the candidate, the champion and the cheap learner."""

from collections.abc import Sequence
from pathlib import Path

from models.champion import champion_gguf
from models.ids import QuestionId
from models.item import Item
from models.question import Question
from models.settings import Settings
from models.store import learning, responses
from models.store.database import Database
from models.store.promotions import current_slot
from retrain.candidate import MODEL, Build, calibrate, read_gguf
from retrain.checks.agreement import overlaps
from retrain.checks.slices import slices_of
from retrain.checks.trial import try_out
from retrain.dataset import FOLDER as DATASETS
from retrain.dataset import Dataset, read_dataset
from retrain.gate import Evidence
from retrain.judged import Judged, judged
from retrain.ladder import Course, Readings
from retrain.leakage import apart
from retrain.peer import peer_scores
from retrain.scaling.ladder import Ladder


def gather(
    dataset: Dataset,
    made: Build,
    settings: Settings,
    db: Database,
    course: Course,
    *,
    ladders: Sequence[Ladder],
    taught: Sequence[Item],
) -> Evidence:
    """Read what was held out and calibrate the candidate; the cheap learner learns what the candidate was ``taught``.

    The champion is judged on bursts only that it was not trained on, and the candidate beside it on the same.
    """
    questions, candidate, champion = settings.questions, made.folder / MODEL, champion_gguf(settings)[0]
    held, fair = (*dataset.calibration, *dataset.gate), unseen(db, settings.data_dir, dataset.gate)
    with course.stage(f"read {len(held)} held-out bursts with the candidate") as advance:
        new = read_gguf(candidate, held, settings, lambda done, total: advance(done, total, None))
    with course.stage(f"read {len(fair)} held-out bursts with the champion") as advance:
        old = read_gguf(champion, fair, settings, lambda done, total: advance(done, total, None))
    with course.stage("try both files out"):
        tried = [try_out(path, [item.burst for item in fair or held], settings) for path in (champion, candidate)]
    with course.stage(f"train the cheap learner on {len(taught)} bursts"):
        cheap = {q.id: peer_scores(q, taught, fair) for q in questions}
    fitted = calibrate(candidate, made.gguf_sha256, dataset.calibration, new, settings)
    return Evidence(
        labels=dataset.size,
        ladders=tuple(ladders),
        champion=_beside(questions, fair, old),
        challenger=_beside(questions, fair, new),
        cheap=_beside(questions, fair, cheap),
        export=made.export,
        drift=made.drift,
        agreement=overlaps(questions, dataset.items, responses.answered(db)),
        slices=slices_of(fair),
        temperatures={q: c.temperature for q, c in fitted.questions.items()},
        champion_trial=tried[0],
        challenger_trial=tried[1],
        leakage=dataset.leakage,
    )


def unseen(db: Database, data_dir: Path, items: Sequence[Item]) -> tuple[Item, ...]:
    """The items whose messages, and whose like, a promoted champion was not trained on.

    Its holdout was another one: labels that came late for older bursts, or a larger ``gate.holdout_share``, would have
    it judged on what it learned, against a challenger that never saw it. Raises TrainingError where its dataset is
    damaged; one that is gone can tell nothing.
    """
    slot = current_slot(db)
    found = [c.dataset for c, _ in learning.candidates(db) if slot is not None and c.id == slot.candidate]
    folder = data_dir / DATASETS / found[0] if found else None
    if folder is None or not folder.exists():
        return tuple(items)
    return apart(items, read_dataset(folder).train).kept


def _beside(questions: Sequence[Question], items: Sequence[Item], readings: Readings) -> dict[QuestionId, Judged]:
    """Set labels beside what one model file said, question by question."""
    return {question.id: judged(question, items, readings[question.id]) for question in questions}

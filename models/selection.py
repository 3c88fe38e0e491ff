"""What became of labels when those to train on were chosen, as the store keeps it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from models.ids import BurstId, DatasetId, OptionId, QuestionId


class Why(StrEnum):
    """Why a label is trained on or not.

    Of near-duplicates one is kept. The models find a label easy or hard where both, the untuned one and the tuned one,
    do; it is misled where seeing the burst makes the untuned one believe its label less than seeing nothing. The others
    rank below the share that is asked for.
    """

    KEPT = "kept"
    SHARE = "below the share"
    DUPLICATE = "near-duplicate"
    EASY = "nothing to learn"
    HARD = "too hard"
    MISLED = "misled"


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelScore:
    """One label's scores: losses in nats, ``learnability`` and ``ifd`` as retrain/selection/scores.py defines them.

    ``base_loss`` is the untuned model's and ``reference_loss`` the tuned one's, both out of fold and fitted.
    ``margin`` (0..1) is the gap between the tuned model's two likeliest options.
    """

    burst: BurstId
    question: QuestionId
    question_version: str
    given: OptionId
    base_loss: float
    reference_loss: float
    learnability: float
    ifd: float
    margin: float
    why: Why


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionRun:
    """How the labels of a dataset were chosen. ``picture`` is relative to the data directory, None until drawn."""

    dataset: DatasetId
    method: str
    share: float
    balance: str
    drop_near_duplicates: bool
    rung: str
    notes: tuple[str, ...]
    picture: str | None
    chosen_at: datetime


def counted(scores: Iterable[LabelScore]) -> dict[QuestionId, dict[Why, int]]:
    """Labels of each question by what became of them, every reason named."""
    found: dict[QuestionId, Counter[Why]] = {}
    for score in scores:
        found.setdefault(score.question, Counter())[score.why] += 1
    return {question: {why: counts[why] for why in Why} for question, counts in found.items()}

"""Choosing what to train on within the learning cycle: from the ladder's readings to fewer labels, scored and told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from models.ids import BurstId, DatasetId, QuestionId
from models.item import Item
from models.selection import LabelScore, SelectionRun, Why
from models.settings import TrainSettings
from retrain.scaling.ladder import Ladder
from retrain.selection.choice import Plan, choose
from retrain.selection.ladder import Blank, losses_of, thinned_to
from retrain.selection.methods import ALL
from retrain.selection.picture import Chosen
from retrain.selection.scores import emptiness, ifd, learnability


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """What is trained on, every label's scores, a row of the picture for each question, and what is to be said."""

    items: tuple[Item, ...]
    scores: tuple[LabelScore, ...]
    rows: tuple[Chosen, ...]
    notes: tuple[str, ...]


def plan_of(train: TrainSettings) -> Plan:
    """The plan that the settings ask for."""
    return Plan(
        method=train.select,
        share=train.select_share,
        drop_near_duplicates=train.drop_near_duplicates,
        balance=train.balance,
        seed=train.seed,
    )


def select(ladders: Sequence[Ladder], items: Sequence[Item], blank: Blank, plan: Plan) -> Selected:
    """Choose among each question's labels; with a plan that keeps all, they are scored all the same."""
    rows, scores, notes = [], [], []
    kept: dict[QuestionId, Sequence[BurstId]] = {}
    for ladder in ladders:
        question = ladder.question
        losses = losses_of(ladder, items, blank[question.id])
        row = Chosen(question=question.id, losses=losses, choice=choose(losses, plan))
        kept[question.id] = row.choice.kept
        notes += [f"{question.id}: {told}" for told in emptiness(losses)]
        scores += _scores(ladder, row)
        if len(losses):
            rows.append(row)
    everything = plan.method == ALL and not plan.drop_near_duplicates
    return Selected(
        items=tuple(items) if everything else thinned_to(items, kept),
        scores=tuple(scores),
        rows=tuple(rows),
        notes=tuple(notes),
    )


def run_of(dataset: DatasetId, train: TrainSettings, rung: str, selected: Selected, at: datetime) -> SelectionRun:
    """What the store keeps beside the scores; the picture is drawn later."""
    return SelectionRun(
        dataset=dataset,
        method=train.select,
        share=train.select_share,
        balance=train.balance,
        drop_near_duplicates=train.drop_near_duplicates,
        rung=rung,
        notes=selected.notes,
        picture=None,
        chosen_at=at,
    )


def told_of(selected: Selected) -> str:
    """One line for the run's row."""
    kept = sum(score.why is Why.KEPT for score in selected.scores)
    return f"trained on {kept} of {len(selected.scores)} labels"


def title_of(plan: Plan, rung: str) -> str:
    """A line above the picture."""
    share = "all labels" if plan.method == ALL else f"{plan.share:.3g} of the labels by {plan.method}"
    return f"What the candidate learned from: {share}, scored with {rung}"


def _scores(ladder: Ladder, row: Chosen) -> list[LabelScore]:
    losses, question = row.losses, ladder.question
    columns = zip(
        losses.ids,
        losses.answer.tolist(),
        losses.base.tolist(),
        losses.reference.tolist(),
        learnability(losses).tolist(),
        ifd(losses).tolist(),
        losses.margin.tolist(),
        row.choice.why,
        strict=True,
    )
    return [
        LabelScore(
            burst=burst,
            question=question.id,
            question_version=question.version,
            given=question.options[answer].id,
            base_loss=base,
            reference_loss=reference,
            learnability=learned,
            ifd=difficulty,
            margin=margin,
            why=why,
        )
        for burst, answer, base, reference, learned, difficulty, margin, why in columns
    ]

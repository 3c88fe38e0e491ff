from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from models.chat import Burst
from models.ids import BurstId, DatasetId, MemberId, OptionId, RoomId
from models.item import Item
from models.selection import Why
from models.settings import TrainSettings
from retrain.scaling.ladder import Ladder
from retrain.selection.picture import draw_selection
from retrain.selection.stage import plan_of, run_of, select, title_of, told_of
from tests.retrain.conftest import IS_QUESTION, NEEDS_CONTEXT
from tests.retrain.ladders import made_ladder

AT = datetime(2026, 1, 1, tzinfo=UTC)
BLANK = {IS_QUESTION.id: [-0.5, -1.5, -2.0]}


def labelled(ladder: Ladder) -> list[Item]:
    rows = ladder.vanilla[-1]
    return [
        Item(
            burst=Burst(
                id=burst,
                room=RoomId("r"),
                sender=MemberId("ann"),
                text=f"text {number * 7919} of one",
                window=(),
                started_at=AT,
                ended_at=AT,
            ),
            answers={
                IS_QUESTION.id: IS_QUESTION.options[rows.gold[number]].id,
                NEEDS_CONTEXT.id: OptionId("yes"),
            },
            conversation=rows.conversations[number],
        )
        for number, burst in enumerate(rows.ids)
    ]


def test_labels_are_chosen_question_by_question(tmp_path: Path) -> None:
    ladder = made_ladder(np.random.default_rng(0), (0.2, 0.3), (0.8, 1.4), items=60)
    items = labelled(ladder)
    train = TrainSettings(select="learnability", select_share=0.5)
    found = select([ladder], items, BLANK, plan_of(train))
    kept = {score.burst for score in found.scores if score.why is Why.KEPT}
    assert len(kept) == 30
    assert {item.burst.id for item in found.items} == kept
    assert all(set(item.answers) == {IS_QUESTION.id} for item in found.items), "the other question has no scores"
    yes = sum(item.answers[IS_QUESTION.id] == "yes" for item in items)
    assert sum(item.answers[IS_QUESTION.id] == "yes" for item in found.items) in {yes // 2, yes // 2 + 1}
    assert told_of(found) == "trained on 30 of 60 labels"
    by_hand = next(score for score in found.scores if score.burst == BurstId("7"))
    assert by_hand.learnability == 1 - by_hand.reference_loss / by_hand.base_loss
    path = draw_selection(found.rows, title_of(plan_of(train), "rung-1"), tmp_path / "selection.png")
    assert path.read_bytes().startswith(b"\x89PNG")
    run = run_of(DatasetId("d"), train, "rung-1", found, AT)
    assert (run.method, run.share, run.picture) == ("learnability", 0.5, None)


def test_by_default_everything_is_trained_on_and_scored() -> None:
    ladder = made_ladder(np.random.default_rng(0), (0.2, 0.3), (0.8, 1.4), items=60)
    items = labelled(ladder)
    found = select([ladder], items, BLANK, plan_of(TrainSettings()))
    assert found.items == tuple(items)
    assert len(found.scores) == 60
    assert {score.why for score in found.scores} == {Why.KEPT}

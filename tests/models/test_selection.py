from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from models.selection import Why, counted
from models.store import selection
from models.store.database import open_database
from tests.models.made import NOON, RUN, SCORE


@pytest.fixture
def db(tmp_path: Path):
    database = open_database(tmp_path)
    yield database
    database.close()


def test_scores_are_kept_dataset_by_dataset_and_the_oldest_forgotten(db) -> None:
    assert selection.newest(db) is None
    for number in range(selection.KEPT_DATASETS + 2):
        run = replace(RUN, dataset=f"d{number}", chosen_at=NOON + timedelta(days=number))
        selection.put(db, run, [SCORE, replace(SCORE, burst="b", why=Why.DUPLICATE)])
    assert selection.newest(db) == run
    assert selection.scores(db, "d1") == []
    assert selection.scores(db, "d2") == [SCORE, replace(SCORE, burst="b", why=Why.DUPLICATE)]


def test_a_dataset_that_is_learned_from_again_has_its_new_scores_alone(db) -> None:
    selection.put(db, RUN, [SCORE, replace(SCORE, burst="b")])
    selection.put_picture(db, "d0", "candidates/c/selection.png")
    again = replace(RUN, method="all", share=1.0, notes=(), chosen_at=NOON + timedelta(days=1))
    selection.put(db, again, [replace(SCORE, why=Why.HARD)])
    assert selection.newest(db) == again
    assert [score.why for score in selection.scores(db, "d0")] == [Why.HARD]
    selection.put_picture(db, "d0", "candidates/c/selection.png")
    assert selection.newest(db) == replace(again, picture="candidates/c/selection.png")


def test_every_reason_is_counted() -> None:
    found = counted([SCORE, replace(SCORE, burst="b"), replace(SCORE, question="needs_context", why=Why.EASY)])
    assert found["is_question"][Why.KEPT] == 2
    assert found["needs_context"][Why.EASY] == 1
    assert set(found["needs_context"]) == set(Why)

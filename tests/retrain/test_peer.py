from dataclasses import replace

import numpy as np
import pytest

from models.ids import OptionId
from models.scoring import distribution, positive_probability
from retrain.peer import PeerSettings, cross_fit, fold_of, labelled, peer_scores
from tests.retrain.conftest import IS_QUESTION, NEEDS_CONTEXT, make_item


def chance(scores: dict, items: list) -> list[float]:
    return [positive_probability(IS_QUESTION, distribution(IS_QUESTION, scores[i.burst.id])) for i in items]


def test_the_cheap_learner_learns_what_words_tell() -> None:
    train, held = [make_item(i) for i in range(80)], [make_item(i, room="other") for i in range(200, 230)]
    scores = peer_scores(IS_QUESTION, train, held)
    for item, p in zip(held, chance(scores, held), strict=True):
        assert (p > 0.5) == (item.answers[IS_QUESTION.id] == "yes")
    for values in scores.values():
        assert np.exp(values).sum() == pytest.approx(1, abs=1e-4)


def test_the_same_rows_give_the_same_scores() -> None:
    train, held = [make_item(i) for i in range(60)], [make_item(i) for i in range(100, 110)]
    assert peer_scores(IS_QUESTION, train, held) == peer_scores(IS_QUESTION, train, held)


@pytest.mark.parametrize("kept", ["yes", "no", "none"])
def test_labels_of_one_answer_give_their_own_rate(kept: str) -> None:
    train = [item for item in (make_item(i) for i in range(40)) if item.answers[IS_QUESTION.id] == kept]
    held = [make_item(i) for i in range(100, 110)]
    found = chance(peer_scores(IS_QUESTION, train, held), held)
    expected = {"yes": 21 / 22, "no": 1 / 22, "none": 0.5}[kept]
    assert found == pytest.approx([expected] * 10)


def test_abstentions_and_other_questions_are_left_out() -> None:
    unsure = replace(make_item(0), answers={IS_QUESTION.id: OptionId("unsure")})
    assert labelled(IS_QUESTION, [unsure, make_item(1)]) == [make_item(1)]
    assert labelled(NEEDS_CONTEXT, [make_item(1), make_item(2)]) == [make_item(2)]


def test_no_row_is_scored_by_a_learner_that_saw_its_conversation() -> None:
    """Each conversation has a word of its own that tells the label: useless out of fold, perfect in fold."""
    items = []
    for i in range(120):
        item = make_item(i, conversation=f"c{i % 12}")
        answer = OptionId("yes" if (i % 12) % 2 else "no")
        burst = replace(item.burst, text=f"secretword{i % 12}", window=())
        items.append(replace(item, burst=burst, answers={IS_QUESTION.id: answer}))
    found = cross_fit(IS_QUESTION, items, 4)
    gold = np.array([item.answers[IS_QUESTION.id] == "yes" for item in items])
    assert ((found.positive >= 0.5) == gold).mean() < 0.75
    inside = chance(peer_scores(IS_QUESTION, items, items), items)
    assert ((np.array(inside) >= 0.5) == gold).all()


def test_one_conversation_chooses_nothing() -> None:
    items = [make_item(i, conversation="one") for i in range(30)]
    found = cross_fit(IS_QUESTION, items, 3)
    assert found.settings == PeerSettings()
    assert set(found.positive) == {0.5}
    assert cross_fit(IS_QUESTION, [], 3).positive.tolist() == []


def test_folds_are_the_same_everywhere() -> None:
    assert [fold_of(f"room {i}", 5) for i in range(6)] == [fold_of(f"room {i}", 5) for i in range(6)]
    assert {fold_of(f"room {i}", 5) for i in range(60)} == set(range(5))
    assert fold_of("ubuntu/2010-08-17_18", 5) == 1

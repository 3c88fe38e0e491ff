"""What the small model settles, what goes up, and that nothing is acted on by another model's threshold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stand_ins import Scripted

from models.cascade import Bar, Cascade, even_bars, settled
from models.errors import ModelError
from models.llama import gguf_of, open_decider
from models.settings import DecideSettings

SMALL = {"sure yes": (0.99, 0.99), "sure no": (0.02, 0.5), "half": (0.99, 0.6), "unsure": (0.6, 0.99)}


@pytest.fixture
def small(questions):
    return Scripted(questions, SMALL.__getitem__, "small")


@pytest.fixture
def large(questions):
    return Scripted(questions, lambda _: (0.7, 0.3), "large", sure={q.id: "yes" for q in questions})


def cascade(small, large, questions, at=0.9, acting=()):
    return Cascade(small, large, questions=questions, bars=even_bars(questions, at), acting=acting)


def test_what_is_sure_stays_and_the_rest_goes_up_in_one_batch(small, large, questions, make_burst) -> None:
    both = cascade(small, large, questions)
    found = both.decide([make_burst(text) for text in SMALL])
    assert [made[0].revision for made in found] == ["small", "small", "large", "large"]
    assert large.asked == [["half", "unsure"]]
    assert [made[0].milliseconds for made in found] == [2.0, 2.0, 4.0, 4.0]
    assert both.revision == "large"


def test_a_question_that_does_not_apply_need_not_be_settled(small, questions, make_burst) -> None:
    (made,) = small.decide([make_burst("sure no")])
    assert questions[1].after, "needs_context is asked about questions only"
    assert settled(questions, made, even_bars(questions, 0.9))
    assert not settled(questions, made, {questions[1].id: Bar(yes_from=0.5, no_from=0.5)})


def test_settled_decisions_keep_their_own_sure(small, large, questions, make_burst) -> None:
    (made,) = cascade(small, large, questions).decide([make_burst("sure yes")])
    assert [decision.sure for decision in made] == [None, None]


def test_what_the_large_may_act_on_the_small_settles_only_if_it_may_act(small, large, questions, make_burst) -> None:
    first = questions[0].id
    both = cascade(small, large, questions, acting={first})
    assert both.decide([make_burst("sure no")])[0][0].revision == "large"
    small.sure = {first: "no"}
    (made,) = both.decide([make_burst("sure no")])
    assert (made[0].revision, made[0].sure) == ("small", "no")


def test_where_the_small_fails_the_large_decides_and_where_the_large_fails_it_is_an_error(
    small, large, questions, make_burst
) -> None:
    both = cascade(small, large, questions)
    small.fails = True
    assert both.decide([make_burst("sure yes")])[0][0].revision == "large"
    small.fails, large.fails = False, True
    assert both.decide([make_burst("sure yes")])[0][0].revision == "small"
    with pytest.raises(ModelError):
        both.decide([make_burst("half")])


def test_both_are_released(small, large, questions) -> None:
    cascade(small, large, questions).close()
    assert small.closed
    assert large.closed


@given(st.floats(0, 1), st.floats(0.5, 1), st.floats(0.5, 1))
def test_a_higher_bar_never_settles_more(score: float, one: float, other: float) -> None:
    low, high = sorted((one, other))
    for raised, lowered in ((Bar(yes_from=high), Bar(yes_from=low)), (Bar(no_from=high), Bar(no_from=low))):
        assert not raised.settles(score) or lowered.settles(score)
    assert not Bar().settles(score)


def test_two_real_models_in_one_cascade(smallest_gguf, questions, make_burst) -> None:
    """With bars at both ends it is either model alone; in between every decision is one of the two's."""
    deciders = [
        open_decider(path, questions, DecideSettings(threads=1)) for path in (smallest_gguf, gguf_of("starter"))
    ]
    bursts = [make_burst(f"{text} {n}") for n in range(5) for text in ("how do I install version", "thanks for number")]
    alone = [{made[0].revision for made in decider.decide(bursts)} for decider in deciders]
    expected = [dict(made[0].probabilities) for made in deciders[1].decide(bursts)]
    assert alone[0] != alone[1]
    for at, revisions in ((0.5, alone[0]), (1.0, alone[1])):
        both = Cascade(*deciders, questions=questions, bars=even_bars(questions, at))
        assert {made[0].revision for made in both.decide(bursts)} == revisions
    found = Cascade(*deciders, questions=questions, bars=even_bars(questions, 0.6)).decide(bursts)
    for made, large in zip(found, expected, strict=True):
        if {made[0].revision} == alone[1]:
            assert dict(made[0].probabilities) == pytest.approx(large, abs=0.02)
    for decider in deciders:
        decider.close()

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from bot_fakes import FakeDecider
from hypothesis import given
from hypothesis import strategies as st

from bot.routing import audited, route
from models.chat import Burst
from models.decision import Route
from models.labels import request_id
from models.question import Option, Question
from models.settings import AskSettings

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
NO_AUDIT = AskSettings(audit_share=0.0)
NO_BUDGET = AskSettings(audit_share=0.0, daily_budget=0)
ALL_AUDIT = AskSettings(audit_share=1.0)
BURST = Burst(id="b", room="r", sender="a", text="hm", window=(), started_at=NOW, ended_at=NOW)


def routed(settings, sure, ask=NO_AUDIT):
    [made] = FakeDecider(settings.questions).decide([BURST])
    made = [replace(decision, sure=answer) for decision, answer in zip(made, sure, strict=False)]
    return route(BURST, settings.questions, made, ask, now=NOW)


@pytest.mark.parametrize(
    ("sure", "expected"),
    [
        (("no", None), Route.PASS),
        (("no", "yes"), Route.PASS),
        (("yes", "no"), Route.ACT),
        (("yes", "yes"), Route.ACT),
        (("yes", None), Route.ASK),
        ((None, "yes"), Route.ASK),
        ((None, None), Route.ASK),
        ((), Route.ASK),
    ],
)
def test_routes(settings, sure, expected):
    routing, request = routed(settings, sure)
    assert routing.route is expected
    assert routing.unsure == (expected is Route.ASK)
    assert request is None


def test_without_budget_the_unsure_are_passed(settings):
    routing, request = routed(settings, (None, None), AskSettings(audit_share=0.0, daily_budget=0))
    assert (routing.route, routing.unsure, request) == (Route.PASS, False, None)
    assert routing.reason.startswith("nobody is asked")


@pytest.mark.parametrize(
    ("sure", "expected"), [(("no", None), Route.PASS), (("yes", "no"), Route.ACT), ((None, None), Route.ASK)]
)
def test_audited_bursts_are_always_requested_blind_and_routed_as_ever(settings, sure, expected):
    routing, request = routed(settings, sure, ALL_AUDIT)
    assert (routing.route, routing.audit, routing.probability) == (expected, True, 1.0)
    assert (request.strategy, request.blind, request.probability) == ("audit", True, 1.0)


YES, NO = Option(id="yes", wording="yes"), Option(id="no", wording="no")


def beside(name, **after):
    return Question(id=name, text="?", definition=name, options=(YES, NO), positive="yes", after=after)


def mixed(settings, extra, sure, ask=NO_AUDIT):
    """Route with the two questions of config.toml and more; ``sure`` maps questions to answers."""
    questions = (*settings.questions, *extra)
    decider = FakeDecider(questions)
    made = [replace(d, sure=sure.get(d.question)) for d in decider.decide([BURST])[0]]
    return route(BURST, questions, made, ask, now=NOW)


@pytest.mark.parametrize("complaint", ["yes", "no", None])
@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ({"is_question": "yes", "needs_context": "no"}, Route.ACT),
        ({"is_question": "no"}, Route.PASS),
        ({"is_question": "yes"}, Route.ASK),
        ({}, Route.ASK),
    ],
)
def test_a_question_that_stands_alone_has_no_say_in_the_reply(settings, reply, expected, complaint):
    routing, request = mixed(settings, [beside("complaint")], {**reply, "complaint": complaint})
    assert (routing.route, request) == (expected, None)
    assert routing.unsure == (expected is Route.ASK or complaint is None)
    assert ("complaint" in routing.reason) == (expected is not Route.ASK and complaint is None)
    if expected is not Route.ASK:
        routing, request = mixed(settings, [beside("complaint")], {**reply, "complaint": complaint}, NO_BUDGET)
        assert (routing.route, routing.unsure) == (expected, False)
        assert routing.reason.startswith("sure: ")


def test_what_follows_a_negative_answer_is_asked_about_in_silence(settings):
    thanks = beside("thanks", is_question="no")
    for sure, route_, asked in [
        ({"is_question": "no"}, Route.PASS, True),
        ({"is_question": "no", "thanks": "yes"}, Route.PASS, False),
        ({"is_question": "yes", "needs_context": "no"}, Route.ACT, False),  # not reached
    ]:
        routing, _ = mixed(settings, [thanks], sure)
        assert (routing.route, routing.unsure) == (route_, asked)


def test_what_comes_after_the_first_question_by_way_of_another_decides_too(settings):
    deep = beside("deep", needs_context="yes")
    assert mixed(settings, [deep], {"is_question": "yes", "needs_context": "yes"})[0].route is Route.ASK
    assert mixed(settings, [deep], {"is_question": "yes", "needs_context": "no"})[0].route is Route.ACT


@pytest.mark.parametrize(("sure", "unsure"), [(("no", None), False), (("yes", "no"), False), ((None, None), True)])
def test_an_audited_burst_was_drawn_by_chance_and_may_be_picked_besides(settings, sure, unsure):
    ask = next(a for a in (AskSettings(audit_share=0.5, seed=s) for s in range(99)) if audited("r", NOW, a))
    routing, request = routed(settings, sure, ask)
    assert (routing.audit, request.blind, routing.unsure) == (True, True, unsure)
    assert routing.probability == request.probability == 0.5


def test_request_ids_follow_burst_and_wording(settings):
    questions = settings.questions
    reworded = (replace(questions[0], text="Other?"), *questions[1:])
    assert request_id("b", questions) == request_id("b", questions)
    assert len({request_id("b", questions), request_id("c", questions), request_id("b", reworded)}) == 3


@given(st.floats(0, 1), st.integers(0, 5), st.integers(0, 1799))
def test_a_block_is_audited_whole(share, seed, seconds):
    ask = AskSettings(audit_share=share, seed=seed)
    assert audited("r", NOW, ask) == audited("r", NOW + timedelta(seconds=seconds), ask)


@given(st.integers(0, 50), st.floats(0, 1), st.floats(0, 1))
def test_a_larger_share_audits_what_a_smaller_one_does(block, one, two):
    at = NOW + timedelta(minutes=30 * block)
    small, large = sorted((one, two))
    assert audited("r", at, AskSettings(audit_share=large)) or not audited("r", at, AskSettings(audit_share=small))


def test_the_share_of_blocks_is_as_asked_and_differs_by_room_and_seed():
    ask = AskSettings(audit_share=0.2)
    draws = {
        (room, seed): [
            audited(room, NOW + timedelta(minutes=30 * b), ask.model_copy(update={"seed": seed})) for b in range(2000)
        ]
        for room in ("r", "q")
        for seed in (0, 1)
    }
    assert all(300 < sum(draw) < 500 for draw in draws.values())
    assert len({tuple(draw) for draw in draws.values()}) == 4

"""What members are told who ask why, through the whole live flow."""

from dataclasses import replace

import pytest
from bot_fakes import FakeDecider, said
from group_chat import Group, House, order

from bot.phrases import CHINESE, ENGLISH
from models.settings import MannersSettings, Rooms
from models.store import replies

pytestmark = pytest.mark.usefixtures("any_model")


@pytest.fixture
def house(settings, store):
    return House(settings, store, Group())


async def test_why_tells_what_was_decided_how_surely_by_which_model_and_what_came_of_it(house):
    await house.run(said(1, "a", 0, "where is the log"), said(2, "b", 90, "so"))
    await house.run(order(3, "a", "why", at=200, reply_to="t:r:1"))
    told = house.last.splitlines()
    assert told[0] == "The model fake decided:"
    assert told[1] == "- Does the last message ask for something? yes (90 %, sure enough)"
    assert told[2].endswith("no (70 %, sure enough)")
    assert told[3].startswith("So: reply [sure: is_question is yes")
    assert told[4] == ENGLISH.replied


async def test_why_is_about_the_message_that_it_answers_the_own_burst_or_the_last_reply(house):
    await house.run(said(1, "a", 0, "where is the log"), said(2, "b", 90, "so"))
    reply = next(f"t:r:bot-{n}" for n, (to, _) in enumerate(house.group.said, 1) if to == "t:r:1")
    for number, (sender, about, expected) in enumerate(
        [
            ("c", reply, "The model fake"),  # what the bot said is everybody's to ask about
            ("c", "t:r:1", ENGLISH.why_whose),
            ("c", "t:r:nothing", ENGLISH.why_nothing),
            ("a", None, "The model fake"),
            ("c", None, "The model fake"),
        ]
    ):
        await house.run(order(10 + number, sender, "why", at=300 + number, reply_to=about))
        assert house.last.startswith(expected), (sender, about)
    other = replace(order(20, "a", "why", reply_to=reply), room="elsewhere", id="t:elsewhere:20")
    await house.run(other)
    assert house.last == ENGLISH.why_nothing


async def test_why_in_chinese_and_about_what_was_held_back(settings, store):
    house = House(settings, store, Group(), Rooms(MannersSettings(mention_only=True), ()))
    await house.run(said(1, "a", 0, "where"), said(2, "b", 90, "so"))
    await house.run(order(3, "a", "为什么", at=200))
    assert house.last.splitlines()[-1] == CHINESE.held.format(reason=CHINESE.holds["not mentioned"])
    assert await store.do(replies.count) == {"held back: not mentioned": 2}


async def test_why_before_anything_was_decided_and_where_the_model_failed(house):
    await house.run(order(1, "a", "why"))
    assert house.last == ENGLISH.why_nothing
    await house.run(
        said(2, "a", 100, "bad"), decider=FakeDecider(house.settings.questions, fails=lambda text: text == "bad")
    )
    await house.run(order(3, "a", "why", at=200))
    assert house.last == ENGLISH.why_failed

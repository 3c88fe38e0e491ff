"""Replies that are taken back, and what reactions say of them, through the whole live flow."""

import pytest
from bot_fakes import said
from group_chat import Group, House, order, reaction, replied_to

from bot.phrases import ENGLISH
from models.chat import EventKind
from models.store import feedback, inbox, replies

pytestmark = pytest.mark.usefixtures("any_model")


@pytest.fixture
def house(settings, store):
    return House(settings, store, Group())


@pytest.mark.parametrize(
    ("sender", "text", "key"),
    [("a", None, "👎\ufe0f"), ("boss", None, "❌"), ("a", "recall", None), ("boss", "撤回", None)],
)
async def test_a_reply_is_recalled_by_its_asker_or_an_admin(house, sender, text, key):
    reply = await replied_to(house)
    wish = reaction(5, sender, key, reply) if key else order(5, sender, text)
    await house.run(wish)
    assert house.group.gone == ["t:r:bot-1"]
    assert len(house.group.said) == 1  # that the reply is gone says enough
    assert await house.store.do(feedback.count) == {"recall": 1}
    assert await house.store.do(replies.count) == {"recalled": 1}
    assert "in /var/log" not in await house.texts()
    await house.run(order(6, "a", "why", at=200))
    assert house.last.endswith(ENGLISH.recalled)
    await house.run(order(7, "a", "recall", at=210))
    assert house.last == ENGLISH.recall_nothing


async def test_others_cannot_recall_a_reply_but_what_they_think_is_noted(house):
    reply = await replied_to(house)
    await house.run(reaction(5, "c", "👎", reply), order(6, "c", "recall"), order(7, "c", "recall", reply_to="t:r:1"))
    assert house.group.gone == []
    assert house.group.said[1:] == [("t:r:6", ENGLISH.recall_whose), ("t:r:7", ENGLISH.recall_whose)]
    assert await house.store.do(feedback.count) == {"reaction": 1}
    assert await house.store.do(replies.count) == {"sent": 1}


async def test_reactions_are_weak_feedback_and_no_labels(house):
    reply = await replied_to(house)
    odd = "x" * 500 + "\ud800"
    await house.run(
        reaction(5, "b", "👍🏽", reply), reaction(6, "b", odd, 1), reaction(7, "b", "🎉", 99), reaction(8, "a", "👎", 1)
    )
    rows = await house.store.do(lambda db: [(r["said"], r["key"]) for r in db.query("SELECT * FROM feedback")])
    assert rows == [("t:r:bot-1", "👍"), (None, "x" * 32), (None, "👎")]
    assert house.group.gone == []
    assert await house.store.do(lambda db: db.table("labels").count) == 0
    await house.run(said(9, "b", 70, "", kind=EventKind.DELETE, target=5))
    assert await house.store.do(feedback.count) == {"reaction": 2}


async def test_a_reaction_that_is_quicker_than_its_burst_is_noted_when_that_has_closed(house, monkeypatch):
    monkeypatch.setattr("bot.steward.EARLY_S", 0.05)
    await house.run(said(1, "a", 0, "where"), said(2, "b", 1, "👍", kind=EventKind.REACTION, target=1))
    assert await house.store.do(feedback.count) == {"reaction": 1}
    assert await house.store.do(inbox.unhandled) == []
    await house.store.do(
        inbox.append, [said(3, "a", 100, "and"), said(4, "b", 101, "👍", kind=EventKind.REACTION, target=3)]
    )
    await house.run()  # it was killed before the burst closed
    assert await house.store.do(feedback.count) == {"reaction": 2}


async def test_a_platform_that_takes_nothing_back_is_told_of_and_the_wish_is_kept(house):
    await replied_to(house)
    house.group.retracts = False
    await house.run(order(5, "a", "recall"))
    assert house.last == ENGLISH.recall_impossible
    assert await house.store.do(feedback.count) == {"recall": 1}
    assert await house.store.do(replies.count) == {"sent": 1}

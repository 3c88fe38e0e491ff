"""Orders through the whole live flow, over a chat that speaks the adapter's protocol."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from bot_fakes import SureDecider, said
from group_chat import NOW, Group, House, order, reaction, replied_to

from bot.phrases import CHINESE, ENGLISH
from bot.pipeline import Pipeline
from bot.slot import ServingSlot
from bot.status import status
from bot.steward import ANSWERS_PER_HOUR, Steward
from models.chat import EventKind
from models.settings import MannersSettings, Rooms, RoomTable
from models.store import feedback, inbox, pauses, replies, requests

pytestmark = pytest.mark.usefixtures("any_model")
HELP, HELP_ZH = (say.help.format(reaction=say.help_reaction.format(key="❌")) for say in (ENGLISH, CHINESE))


@pytest.fixture
def house(settings, store):
    return House(settings, store, Group())


async def test_an_order_is_answered_and_never_becomes_chat(house):
    await house.run(
        said(1, "a", 0, "hello"), order(2, "a", "help", at=1), said(3, "a", 2, "world"), said(4, "b", 90, "so")
    )
    assert ("t:r:2", HELP) in house.group.said
    assert await house.bursts() == ["hello\nworld", "so"]
    texts = await house.texts()
    assert not any("!quandary" in text or text == HELP for text in texts)
    windows = await house.store.do(lambda db: [row["window"] for row in db.query("SELECT window FROM bursts")])
    assert ["hello" in window for window in windows] == [False, True]
    assert not any("!quandary" in window or "reads along" in window for window in windows)


async def test_orders_are_answered_where_nobody_answers_questions(settings, store):
    group = Group().tell(order(1, "a", "帮助"), None)
    async with ServingSlot(
        settings, store, model="fake.gguf", opener=lambda *_: SureDecider(settings.questions)
    ) as slot:
        steward = Steward(store, group, settings.questions, settings.rooms(), ())
        await Pipeline(settings=settings, store=store, adapter=group, slot=slot, steward=steward).run()
    assert group.said == [("t:r:1", CHINESE.help.format(reaction=""))]
    assert await store.do(requests.count) == {}


async def test_without_a_steward_orders_are_still_no_chat(settings, store):
    group = Group().tell(order(1, "a", "help"), said(2, "b", 1, "hm"), None)
    decider = SureDecider(settings.questions)
    async with ServingSlot(settings, store, model="fake.gguf", opener=lambda *_: decider) as slot:
        await Pipeline(settings=settings, store=store, adapter=group, slot=slot).run()
    assert ["hm"] in decider.batches
    assert await store.do(inbox.unhandled) == []
    assert group.said == []


async def test_killed_before_it_was_carried_out_an_order_is_carried_out_at_the_next_start(house):
    await house.store.do(inbox.append, [replace(order(1, "boss", "pause"), kind=EventKind.ORDER)])
    await house.run()
    assert house.last == ENGLISH.paused
    assert await house.store.do(pauses.paused, NOW) == ["r"]
    said_before = len(house.group.said)
    await house.run()
    assert len(house.group.said) == said_before


async def test_killed_while_it_is_answered_an_order_is_not_answered_twice(house):
    async def dies(*_):
        raise KeyError("the power fails")

    house.group.reply, alive = dies, house.group.reply
    with pytest.raises(BaseExceptionGroup):
        await house.run(order(1, "a", "help"))
    house.group.reply = alive
    await house.run()
    assert house.group.said == []
    assert await house.store.do(inbox.unhandled) == []


@pytest.mark.parametrize(
    ("language", "word", "before", "expected"),
    [
        ("auto", "help", "hello there", HELP),
        ("auto", "help", "大家好,今天怎么样", HELP_ZH),
        ("auto", "帮助", "hello there", HELP_ZH),
        ("zh", "help", "hello there", HELP_ZH),
        ("en", "help", "大家好,今天怎么样", HELP),
        ("en", "帮助", "hello there", HELP_ZH),
    ],
)
async def test_the_answer_is_in_the_language_of_the_word_or_the_room(settings, store, language, word, before, expected):
    house = House(settings, store, Group(), Rooms(MannersSettings(language=language, replies_per_hour=0), ()))
    await house.run(said(1, "b", 0, before), order(2, "a", word))
    assert house.group.said == [("t:r:2", expected)]


async def test_a_broken_platform_stops_nothing(house):
    reply = await replied_to(house)
    house.group.broken = True
    await house.run(
        order(5, "a", "recall"), order(6, "boss", "pause"), reaction(7, "c", "❌", reply), order(8, "a", "help")
    )
    assert await house.store.do(inbox.unhandled) == []
    assert await house.store.do(pauses.paused, NOW) == []
    assert await house.store.do(feedback.count) == {"recall": 1, "reaction": 1}


async def test_admins_pause_a_room_and_nobody_else(house):
    await house.run(order(1, "a", "pause"))
    assert house.last == ENGLISH.admins_only
    await house.run(order(2, "boss", "pause 2h"))
    assert house.last == ENGLISH.paused_hours.format(hours=2)
    house.now = datetime.now(UTC)  # replies are given by the real clock
    await house.run(order(3, "boss", "pause"), order(4, "a", "help"), order(5, "a", "why"), said(6, "a", 100, "where"))
    assert house.last == ENGLISH.paused
    assert await house.store.do(replies.count) == {"held back: paused": 1}
    await house.run(order(7, "a", "resume"), order(8, "boss", "恢复"))
    assert [text for _, text in house.group.said[-2:]] == [ENGLISH.admins_only, CHINESE.resumed]
    assert await house.store.do(pauses.paused, house.now) == []


async def test_who_opts_out_is_not_decided_from_then_on(house):
    await house.run(
        said(1, "a", 0, "old"),
        said(2, "a", 40, "just before"),
        said(3, "b", 41, "another"),
        order(4, "a", "optout", at=42),
        said(5, "a", 43, "same breath"),
        said(6, "b", 90, "later"),
    )
    assert ("t:r:4", ENGLISH.opted_out) in house.group.said
    assert await house.is_out("a", "r", "q") == [True, False]
    assert await house.bursts() == ["old", "another", "later"]
    texts = await house.texts()
    assert "just before" not in texts
    assert "same breath" not in texts
    assert await house.store.do(inbox.unhandled) == []
    await house.run(reaction(7, "a", "👍", 3), said(10, "a", 95, "unheard"))
    assert "unheard" not in await house.texts()
    assert await house.store.do(feedback.count) == {}
    await house.run(order(8, "a", "加入", at=100), said(9, "a", 101, "here again"))
    assert await house.is_out("a", "r") == [False]
    assert "here again" in await house.bursts()


async def test_orders_reach_all_rooms_where_they_say_so(house):
    await house.run(*(said(n, sender, 0, room=room) for n, (sender, room) in enumerate(["ar", "aq", "br", "bq"])))
    await house.run(order(11, "a", "optout everywhere"), order(12, "a", "forget all"), order(13, "b", "forget"))
    assert await house.is_out("a", "r", "q") == [True, True]
    assert await house.bursts() == ["", "", "", "text 3"]
    reports = await house.store.do(lambda db: [row["id"] for row in db.query("SELECT id FROM erasures ORDER BY seq")])
    assert [text for to, text in house.group.said if to in ("t:r:11", "t:r:12", "t:r:13")] == [
        ENGLISH.opted_out_everywhere,
        ENGLISH.forgotten_everywhere.format(report=reports[0]),
        ENGLISH.forgotten.format(report=reports[1]),
    ]


async def test_who_is_forgotten_leaves_no_open_burst_and_no_feedback(house):
    reply = await replied_to(house)
    await house.run(reaction(2, "a", "👍", reply), reaction(3, "b", "👍", reply))
    await house.run(said(4, "a", 100, "secret"), order(5, "a", "forget", at=101), said(6, "b", 200, "later"))
    assert "secret" not in await house.texts()
    assert "secret" not in await house.bursts()
    assert await house.store.do(feedback.count) == {"reaction": 1}


async def test_an_edit_that_makes_an_order_takes_the_message_out(house):
    await house.run(
        said(1, "a", 0, "where"),
        said(2, "a", 1, "!quandary why", kind=EventKind.EDIT, target=1),
        said(3, "b", 90, "so"),
    )
    assert await house.bursts() == ["so"]
    assert not any("!quandary" in text for text in await house.texts())


async def test_bots_give_no_orders_and_are_never_answered(house):
    await house.run(
        said(1, "boss", 0, "!quandary pause", bot=True),
        replace(reaction(2, "boss", "❌", 1), is_bot=True),
        said(3, "other bot", 50, "where is the log?", bot=True),
    )
    assert house.group.said == []
    assert await house.bursts() == []
    assert await house.store.do(pauses.paused, NOW) == []
    assert await house.store.do(feedback.count) == {}


async def test_status_counts_replies_and_feedback_and_names_paused_rooms(house):
    reply = await replied_to(house)
    house.now = datetime.now(UTC)
    await house.run(reaction(2, "b", "👍", reply), reaction(3, "a", "❌", reply), order(4, "boss", "pause"))
    found = await house.store.do(status, house.settings)
    assert found["replies"] == {"recalled": 1}
    assert found["feedback"] == {"reaction": 1, "recall": 1}
    assert found["paused"] == ["r"]


async def test_a_flood_of_orders_is_carried_out_but_not_answered(house):
    await house.run(*(order(n, "a", "help") for n in range(ANSWERS_PER_HOUR + 5)), order(99, "b", "help"))
    assert len(house.group.said) == ANSWERS_PER_HOUR + 1
    house.now += timedelta(hours=1)
    await house.run(order(100, "a", "help"))
    assert len(house.group.said) == ANSWERS_PER_HOUR + 2


async def test_rooms_have_manners_of_their_own(settings, store):
    rooms = Rooms(MannersSettings(), [RoomTable(id="q", mention_only=True)])
    house = House(settings, store, Group(), rooms)
    await house.run(
        said(1, "a", 0, "where", room="q"),
        said(2, "a", 0, "where", room="p"),
        replace(said(3, "b", 0, "where", room="q"), mentions_bot=True),
    )
    assert sorted(to for to, text in house.group.said) == ["t:p:2", "t:q:3"]

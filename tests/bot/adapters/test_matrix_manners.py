"""What members meet in a real group: a reply in its thread, why, recall by reaction, and who may pause."""

import asyncio
from pathlib import Path

import pytest
from bot_fakes import Answers, SureDecider

from bot.act import Actor
from bot.adapters.matrix import MatrixChat
from bot.phrases import CHINESE, ENGLISH
from bot.pipeline import Pipeline
from bot.slot import ServingSlot
from bot.steward import Steward
from models.settings import BurstSettings, MatrixSettings
from models.store import feedback, inbox, replies

SLOW_S = 60


async def until(found):
    """Wait for something that another program does; returns it."""
    async with asyncio.timeout(SLOW_S):
        while not (it := await asyncio.to_thread(found)):  # noqa: ASYNC110 - servers tell no events
            await asyncio.sleep(0.05)
    return it


async def test_a_group_asks_why_recalls_by_reaction_and_pauses(homeserver, settings, store, monkeypatch):
    monkeypatch.setattr("bot.slot.gguf_of", Path)
    settings = settings.model_copy(update={"burst": BurstSettings(gap_s=0.5)})
    account, ann, ben = homeserver.register("bot"), homeserver.member("ann"), homeserver.member("ben")
    matrix = MatrixSettings(homeserver=homeserver.url, user=account.user)
    decider = SureDecider(settings.questions)

    def answered(event):
        """What the bot said in answer to an event, and did not take back."""
        for said in ann.history(room):
            relation = said["content"].get("m.relates_to", {})
            if said["sender"] == account.user and relation.get("m.in_reply_to", {}).get("event_id") == event:
                return said
        return None

    async with (
        MatrixChat(matrix, account.token) as chat,
        ServingSlot(settings, store, model="fake.gguf", opener=lambda *_: decider) as slot,
    ):
        steward = Steward(store, chat, settings.questions, settings.rooms(), settings.manners.recall_reactions)
        actor = Actor(store, chat, Answers(), settings.questions, settings.rooms())
        live = Pipeline(settings=settings, store=store, adapter=chat, slot=slot, actor=actor, steward=steward)
        running = asyncio.create_task(live.run())
        while await store.do(inbox.cursor, chat.name) is None:  # noqa: ASYNC110 - nor does the pipeline
            await asyncio.sleep(0.05)
        room = await asyncio.to_thread(ann.create_room, account.user, ben.user)
        await asyncio.to_thread(ben.join, room)
        await until(lambda: account.user in ann.members(room))

        root = ann.say(room, "!quandary help")
        await until(lambda: answered(root))
        asked = ben.say(room, "where is the log", **{"m.relates_to": {"rel_type": "m.thread", "event_id": root}})
        reply = await until(lambda: answered(asked))
        assert reply["content"]["body"] == "in /var/log"
        assert reply["content"]["m.relates_to"]["rel_type"] == "m.thread"
        assert reply["content"]["m.relates_to"]["event_id"] == root

        why = ben.say(room, "!quandary why", **{"m.relates_to": {"m.in_reply_to": {"event_id": reply["event_id"]}}})
        told = (await until(lambda: answered(why)))["content"]["body"]
        assert told.startswith(ENGLISH.why_model.format(revision="fake"))
        assert told.endswith(ENGLISH.replied)

        for member, order, expected in ((ben, "pause", ENGLISH.admins_only), (ann, "暂停", CHINESE.paused)):
            given = member.say(room, f"!quandary {order}")
            assert (await until(lambda event=given: answered(event)))["content"]["body"] == expected

        ben.react(room, reply["event_id"], "👎")
        await until(lambda: answered(asked) is None)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert await store.do(feedback.count) == {"recall": 1}
    assert await store.do(replies.count) == {"recalled": 1}
    assert decider.batches[-1] == ["where is the log"]
    texts = await store.do(lambda db: [row["text"] for row in db.query("SELECT text FROM events")])
    assert not any("!quandary" in text or "The model" in text for text in texts)

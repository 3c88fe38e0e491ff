"""What every adapter does, whatever its platform; what a platform cannot do is not asked of it."""

import asyncio
import gc
from contextlib import suppress
from datetime import timedelta

import pytest
from contract import RIGS, able, hearing, now, over, until

from models.chat import EventKind
from models.errors import PlatformError


@over(RIGS)
async def test_a_message_arrives_whole(rig):
    begun = now()
    text = "怎么安装? it's “here” 👩‍💻 " + "x" * 3000
    key = rig.say(rig.members[1], text)
    async with rig.open() as chat, hearing(chat) as take:
        [event] = await take(1)
    assert event.kind is EventKind.MESSAGE
    assert (event.platform, event.room, event.sender, event.text) == (chat.name, rig.room, rig.members[1], text)
    assert key in (None, event.id)
    assert event.id.startswith(f"{chat.name}:")
    assert event.sent_at.utcoffset() == timedelta(0)
    assert begun - timedelta(seconds=2) < event.sent_at < now() + timedelta(seconds=2)
    assert (event.thread, event.target, event.reply_to) == (None, None, None)
    assert not event.is_bot
    assert not event.mentions_bot


@over(RIGS)
async def test_capabilities_are_declared(rig):
    rig.say(rig.members[1], "hello")
    async with rig.open() as chat:
        assert chat.capabilities == rig.capabilities


@over(RIGS)
async def test_everything_arrives(rig):
    for number in range(rig.many):
        rig.say(rig.members[number % 2], f"message {number}")
    async with rig.open() as chat, hearing(chat) as take:
        events = await take(rig.many)
    assert {event.text for event in events} == {f"message {number}" for number in range(rig.many)}
    assert len({event.id for event in events}) == rig.many


@over(able("threads"))
async def test_threads_answers_mentions_and_bots_are_told_apart(rig):
    async with rig.open() as chat, hearing(chat) as take:
        first = rig.say(rig.members[1], "what is this?")
        await take(1)
        rig.say(rig.members[0], "a tool", reply_to=first, thread=rig.thread)
        rig.say(rig.members[0], "help", mention=True)
        rig.say(rig.members[1], "beep", bot=True)
        events = {event.text.split()[-1]: event for event in await take(3)}
    assert (events["tool"].thread, events["tool"].reply_to) == (rig.thread, first)
    assert not events["tool"].mentions_bot
    assert events["help"].mentions_bot
    assert "quandary" in events["help"].text.casefold() or chat.name == "webhook"
    assert [name for name, event in events.items() if event.is_bot] == ["beep"]


@over(able("edits"))
async def test_an_edit_says_what_it_changes(rig):
    async with rig.open() as chat, hearing(chat) as take:
        first = rig.say(rig.members[1], "how do I instal it")
        rig.edit(first, rig.members[1], "how do I install it")
        events = {event.kind: event for event in await take(2)}
    edit = events[EventKind.EDIT]
    assert (edit.target, edit.text, edit.sender) == (first, "how do I install it", rig.members[1])
    assert edit.id != first


@over(able("deletes"))
async def test_a_deletion_says_what_it_removes(rig):
    async with rig.open() as chat, hearing(chat) as take:
        first = rig.say(rig.members[1], "my password is 123")
        await take(1)
        rig.delete(first, rig.members[1])
        [event] = await take(1)
    assert (event.kind, event.target, event.room, event.text) == (EventKind.DELETE, first, rig.room, "")
    assert event.id != first


@over(able("reactions"))
async def test_a_reaction_says_what_it_is_about(rig):
    async with rig.open() as chat, hearing(chat) as take:
        first = rig.say(rig.members[1], "try turning it off")
        await take(1)
        rig.react(first, rig.members[0])
        [event] = await take(1)
    assert (event.kind, event.target, event.room) == (EventKind.REACTION, first, rig.room)
    assert (event.sender, event.text) == (rig.members[0], rig.thumb)


@over(RIGS)
async def test_a_reply_returns_the_id_under_which_it_is_known(rig):
    rig.say(rig.members[1], "how?")
    async with rig.open() as chat, hearing(chat) as take:
        [event] = await take(1)
        said = await chat.reply(event.room, None, event.id, "like this")
        again = await chat.reply(event.room, None, None, "to nobody")
    assert said.startswith(f"{chat.name}:")
    assert len({said, again, event.id}) == 3
    if rig.said() is not None:
        assert [(key, text, to) for key, _, text, to in rig.said()] == [
            (said, "like this", event.id),
            (again, "to nobody", None),
        ]


@over(able("retracts"))
async def test_a_reply_goes_into_the_thread_and_can_be_taken_back_once_said(rig):
    async with rig.open() as chat, hearing(chat) as take:
        rig.say(rig.members[1], "how?", thread=rig.thread)
        [event] = await take(1)
        said = await chat.reply(event.room, event.thread, event.id, "like this")
        [(_, thread, _, _)] = rig.said()
        assert thread in (rig.thread, True)
        assert await chat.retract(event.room, said)
        assert rig.taken_back(said)


@over(able("retracts"))
async def test_admins_are_known(rig):
    async with rig.open() as chat:
        assert [await chat.is_admin(rig.room, member) for member in rig.members] == [True, False]


@over(able("acknowledges"))
async def test_nothing_is_acknowledged_before_it_is_durable(rig):
    async with rig.open() as chat, hearing(chat) as take:
        key = rig.say(rig.members[1], "keep this")
        kept = await take(1, durable=False)
        onward = asyncio.create_task(take(1))
        await asyncio.sleep(0.3)
        assert not rig.acknowledged(key)
        chat.durable(kept)
        await until(lambda: rig.acknowledged(key))
        onward.cancel()
        with suppress(asyncio.CancelledError):
            await onward


@over(able("acknowledges"))
async def test_what_was_not_durable_comes_again(rig):
    keys = [rig.say(rig.members[1], f"message {number}") for number in range(3)]
    async with rig.open() as chat, hearing(chat) as take:
        await take(3, durable=False)
    assert not any(rig.acknowledged(key) for key in keys)
    async with rig.open() as chat, hearing(chat) as take:
        assert {event.id for event in await take(3)} == set(keys)


@over(able("server"))
async def test_events_arrive_although_the_server_stumbles(rig):
    async with rig.open() as chat, hearing(chat) as take:
        rig.break_server(3)
        rig.say(rig.members[1], "still there?")
        [event] = await take(1)
        assert event.text == "still there?"


@over(able("server"))
async def test_a_reply_while_the_server_stumbles_is_said_at_most_once(rig):
    async with rig.open() as chat, hearing(chat) as take:
        rig.say(rig.members[1], "how?")
        [event] = await take(1)
        rig.break_server(1)
        try:
            said = await chat.reply(event.room, None, event.id, "so")
        except PlatformError:
            assert rig.said() == []
        else:
            assert [key for key, *_ in rig.said()] == [said]


@over(able("open_with_bad_credentials"))
async def test_bad_credentials_are_an_error_that_says_what_to_do(rig):
    bad = rig.open_with_bad_credentials()
    with pytest.raises(PlatformError) as found:
        async with bad:
            pytest.fail("entered")
    assert any(name in str(found.value) for name in ("TG_BAD", "LK_BAD"))
    assert "AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsa" not in str(found.value)


@over(RIGS)
async def test_cancelled_it_leaves_nothing_behind(rig):
    rig.say(rig.members[1], "hello")
    complaints = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: complaints.append(context))
    before = asyncio.all_tasks()
    async with rig.open() as chat:

        async def listen():
            async for event in chat.events(None):
                chat.durable([event])
            await asyncio.Event().wait()

        listening = asyncio.create_task(listen())
        await asyncio.sleep(0.2)
        assert not listening.done()
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening
    await asyncio.sleep(0.05)
    left = {task for task in asyncio.all_tasks() - before if "Pusher" not in repr(task) and "web" not in repr(task)}
    assert not left
    chat = None
    gc.collect(1)
    await asyncio.sleep(0)
    assert complaints == []

"""The Matrix adapter against a real Synapse."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from bot.adapters.matrix import MatrixChat
from models.chat import EventKind
from models.errors import PlatformError
from models.settings import MatrixSettings
from tests.homeserver import Member

SLOW_S = 60


class Listening:
    """A bot's account with the adapter on, and what it has reported so far."""

    def __init__(self, server, account=None, **settings):
        self.account = account or server.register("bot")
        self.user = self.account.user
        self.settings = MatrixSettings(homeserver=server.url, user=self.user, **settings)
        self.events = []
        self.cursor = None
        self.chat = None

    @asynccontextmanager
    async def on(self):
        async with MatrixChat(self.settings, self.account.token) as self.chat:
            task = asyncio.create_task(self._listen())
            try:
                yield self
            finally:
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task

    async def _listen(self):
        async for event in self.chat.events(self.cursor):
            if event.kind is not EventKind.NOTHING:
                self.events.append(event)
            self.cursor = event.cursor or self.cursor

    async def until(self, condition):
        async with asyncio.timeout(SLOW_S):
            while not condition():  # noqa: ASYNC110 - servers tell no events
                await asyncio.sleep(0.02)

    async def entered(self, room, member):
        """Wait until the bot is in the room and has reported so far."""
        await self.until(lambda: self.user in member.members(room))
        probe = member.say(room, "probe")
        await self.heard(probe)
        self.events.clear()

    async def heard(self, native):
        await self.until(lambda: any(event.id.endswith(native) for event in self.events))
        return next(event for event in self.events if event.id.endswith(native))


@pytest.fixture
async def bot(homeserver):
    async with Listening(homeserver).on() as listening:
        await listening.until(lambda: listening.cursor is not None)
        yield listening


@pytest.fixture
def ann(homeserver):
    return homeserver.member("ann")


@pytest.fixture
async def room(bot, ann):
    room = ann.create_room(bot.user)
    await bot.entered(room, ann)
    return room


async def test_messages_edits_redactions_replies_threads_reactions_and_mentions(bot, ann, room):
    first = ann.say(room, "does it start")
    answered = {"m.in_reply_to": {"event_id": first}}
    reply = ann.say(room, f"> <{bot.user}> does it\n> start\n\nit does", **{"m.relates_to": answered})
    thread = {"rel_type": "m.thread", "event_id": first, "is_falling_back": True, **answered}
    threaded = ann.say(room, "in the thread", **{"m.relates_to": thread})
    edit = ann.edit(room, first, "does it stop")
    liked = ann.react(room, reply, "👍")
    called = ann.say(room, "you there", **{"m.mentions": {"user_ids": [bot.user]}})
    named = ann.say(room, f"{bot.user.partition(':')[0][1:]}: and you?")
    notice = ann.send(room, {"msgtype": "m.notice", "body": "beep"})
    picture = ann.send(room, {"msgtype": "m.image", "body": "a.png", "url": "mxc://quandary.test/a"})
    caption = {"msgtype": "m.image", "body": "what is this", "filename": "a.png", "url": "mxc://quandary.test/a"}
    captioned = ann.send(room, caption)
    await bot.heard(captioned)
    gone = ann.redact(room, threaded)
    await bot.heard(gone)

    def of(native):
        return f"matrix:{room}:{native}"

    told = {event.id: event for event in bot.events}
    assert [event.id for event in bot.events] == [
        of(e) for e in (first, reply, threaded, edit, liked, called, named, notice, captioned, gone)
    ]
    assert of(picture) not in told
    assert all((event.room, event.sender, event.platform) == (room, ann.user, "matrix") for event in bot.events)
    assert (told[of(first)].text, told[of(first)].reply_to, told[of(first)].mentions_bot) == (
        "does it start", None, False,
    )  # fmt: skip
    assert (told[of(reply)].text, told[of(reply)].reply_to) == ("it does", of(first))
    assert told[of(reply)].mentions_bot
    assert (told[of(threaded)].thread, told[of(threaded)].reply_to) == (first, None)
    assert (told[of(edit)].kind, told[of(edit)].target, told[of(edit)].text) == (
        EventKind.EDIT, of(first), "does it stop",
    )  # fmt: skip
    assert (told[of(liked)].kind, told[of(liked)].target, told[of(liked)].text) == (
        EventKind.REACTION, of(reply), "👍",
    )  # fmt: skip
    assert told[of(called)].mentions_bot
    assert told[of(named)].mentions_bot
    assert told[of(notice)].is_bot
    assert told[of(captioned)].text == "what is this"
    assert (told[of(gone)].kind, told[of(gone)].target) == (EventKind.DELETE, of(threaded))


async def test_replies_go_into_thread_and_are_taken_back(bot, ann, room):
    asked = ann.say(room, "how do I leave vim")
    await bot.heard(asked)
    target = f"matrix:{room}:{asked}"
    plain = await bot.chat.reply(room, None, target, "type :q!")
    again = await bot.chat.reply(room, None, target, "type :q!")
    assert again == plain  # the same answer to the same message is sent once, however often it is tried
    in_thread = await bot.chat.reply(room, asked, target, "or :wq")
    alone = [await bot.chat.reply(room, asked, None, "hello") for _ in range(2)]
    assert len(set(alone)) == 2
    said = [event for event in ann.history(room) if event["sender"] == bot.user]
    assert [event["content"]["body"] for event in said] == ["type :q!", "or :wq", "hello", "hello"]
    assert {event["content"]["msgtype"] for event in said} == {"m.notice"}
    assert [f"matrix:{room}:{event['event_id']}" for event in said] == [plain, in_thread, *alone]
    assert said[0]["content"]["m.relates_to"] == {"m.in_reply_to": {"event_id": asked}}
    assert said[1]["content"]["m.relates_to"]["rel_type"] == "m.thread"
    await bot.heard(plain)
    assert all(event.is_bot for event in bot.events if event.sender == bot.user)
    assert await bot.chat.retract(room, plain)
    assert "body" not in next(e for e in ann.history(room) if plain.endswith(e["event_id"]))["content"]
    with pytest.raises(PlatformError, match="refuses"):
        await bot.chat.reply("!nowhere:quandary.test", None, None, "hello")


@pytest.mark.parametrize("version", ["11", "12"])
async def test_admins_are_moderators_and_creators(bot, ann, homeserver, version):
    bea = homeserver.member("bea")
    room = ann.create_room(bot.user, bea.user, room_version=version)
    bea.join(room)
    await bot.entered(room, ann)
    assert await bot.chat.is_admin(room, ann.user)
    assert not await bot.chat.is_admin(room, bea.user)
    powers = ann.call("GET", f"/rooms/{room}/state/m.room.power_levels/")
    ann.set_state(room, "m.room.power_levels", {**powers, "users": {**powers["users"], bea.user: 50}})
    assert await bot.chat.is_admin(room, bea.user)


async def test_only_allowed_servers_may_invite(homeserver, ann):
    async with Listening(homeserver, allowed_servers=("elsewhere.test",)).on() as bot:
        room = ann.create_room(bot.user)

        def membership():
            return ann.call("GET", f"/rooms/{room}/state/m.room.member/{bot.user}")["membership"]

        await bot.until(lambda: membership() != "invite")
        assert membership() == "leave"


async def test_encrypted_rooms_are_refused_with_a_sentence(bot, ann, room):
    encryption = {"algorithm": "m.megolm.v1.aes-sha2"}
    state = [{"type": "m.room.encryption", "state_key": "", "content": encryption}]
    born = ann.create_room(bot.user, initial_state=state)
    ann.set_state(room, "m.room.encryption", encryption)
    for left in (born, room):
        await bot.until(lambda left=left: any(e["sender"] == bot.user for e in ann.history(left)))
        await bot.until(lambda left=left: bot.user not in ann.members(left))
        [said] = [event["content"]["body"] for event in ann.history(left) if event["sender"] == bot.user]
        assert "encrypted" in said
        assert "加密" in said


async def test_what_was_said_before_the_bot_came_is_not_reported(bot, ann):
    room = ann.create_room()
    for number in range(30):
        ann.say(room, f"earlier {number}")
    ann.invite(room, bot.user)
    await bot.until(lambda: bot.user in ann.members(room))
    await bot.heard(ann.say(room, "now"))
    assert [event.text for event in bot.events] == ["now"]


async def test_joining_while_the_bot_was_away_counts_from_there(homeserver, ann):
    bot = Listening(homeserver)
    async with bot.on():
        await bot.until(lambda: bot.cursor is not None)
    room = ann.create_room()
    long_ago = 1_600_000_000_000  # what counts is the place, not a time that a server claims
    earlier = [ann.say(room, f"earlier {number}") for number in range(3)]
    ann.invite(room, bot.user)
    Member(homeserver, bot.account).join(room)
    said = [ann.say(room, f"said {number}", at_ms=long_ago + number) for number in range(25)]
    async with bot.on():
        await bot.heard(said[-1])
    assert [event.id.rpartition(":")[2] for event in bot.events] == said
    assert not set(earlier) & set(said)
    later = [ann.say(room, f"later {number}", at_ms=long_ago + number) for number in range(25)]
    bot.events.clear()
    async with bot.on():
        await bot.heard(later[-1])
    assert [event.id.rpartition(":")[2] for event in bot.events] == later


async def test_a_bad_token_stops_the_bot_with_a_sentence(homeserver, bot):
    settings = bot.settings
    with pytest.raises(PlatformError, match="does not accept the access token"):
        async with MatrixChat(settings, "nonsense"):
            pass
    with pytest.raises(PlatformError, match=r"matrix\.user is @somebody"):
        async with MatrixChat(settings.model_copy(update={"user": "@somebody:else"}), bot.account.token):
            pass


async def test_a_token_that_becomes_invalid_stops_the_bot_at_once(homeserver):
    other = Listening(homeserver)
    async with MatrixChat(other.settings, other.account.token) as chat:
        told = chat.events(None)
        assert (await anext(told)).kind is EventKind.NOTHING
        following = asyncio.ensure_future(anext(told))
        Member(homeserver, other.account).call("POST", "/logout")
        with pytest.raises(PlatformError, match="does not accept the access token"):
            await asyncio.wait_for(following, SLOW_S)


async def test_a_position_that_the_server_does_not_know_begins_again_from_now(bot, ann, room):
    async with MatrixChat(bot.settings, bot.account.token) as chat:
        told = chat.events("nonsense")
        assert (await anext(told)).kind is EventKind.NOTHING
        said = ann.say(room, "after")
        async with asyncio.timeout(SLOW_S):
            while not (await anext(told)).id.endswith(said):  # Synapse repeats a first answer for two minutes
                pass


async def test_a_server_that_is_away_is_a_clear_error_at_the_start():
    settings = MatrixSettings(homeserver="http://127.0.0.1:9", user="@bot:quandary.test")
    with pytest.raises(PlatformError, match="cannot be reached"):
        async with MatrixChat(settings, "token"):
            pass

"""``quandary up``: chat, labelling and schedule in one program, until somebody stops it."""

import asyncio
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import structlog

from bot.act import Actor
from bot.adapters import open_adapter
from bot.answer import Answerer
from bot.asking import Asker
from bot.collector import look_less_often
from bot.erasing import Eraser
from bot.news import News
from bot.pipeline import Pipeline
from bot.queue_access import HOME, alias_key_in, note_address
from bot.rewording import AT_TERMINAL, RewordedError, ask_anew, watch_words
from bot.schedule import Schedule
from bot.second_looks import send_proposed
from bot.slot import ServingSlot
from bot.steward import Steward
from labeling.address import is_exposed
from labeling.desk import Desk
from labeling.embedded import EmbeddedArgilla
from labeling.errors import UnreachableError
from labeling.guidelines import guideline_version
from labeling.inlet import Inlet
from labeling.outbox import Outbox
from labeling.renewing import renew
from labeling.server.secret_files import CREDENTIALS
from models.consent import Modes
from models.settings import Settings, load_settings, secret
from models.store import consent, queues
from models.store.thread import Store

log = structlog.get_logger(__name__)


class Bot:
    """The whole bot; ``say`` tells the person who started it what to know."""

    def __init__(self, settings: Settings, config: Path, say: Callable[[str], None]) -> None:
        self._settings = settings
        self._config = config
        self._say = say

    async def run(self) -> None:
        """Run until SIGINT or SIGTERM, then stop everything and return; raises QuandaryError if a part cannot go on."""
        work = asyncio.create_task(self._rounds())
        loop = asyncio.get_running_loop()
        stopped = asyncio.Event()

        def stop() -> None:
            if not stopped.is_set():  # impatience must not cut the cleaning up short
                stopped.set()
                work.cancel()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop)
        try:
            await work
        except asyncio.CancelledError:
            if not stopped.is_set():
                raise
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)
        self._say("stopped; nothing is lost")

    async def _rounds(self) -> None:
        """Work, and begin anew whenever a wording is adopted: everything that asks is made from the questions."""
        reworded = True
        while reworded:
            reworded = False
            try:
                await self._work()
            except* RewordedError:
                reworded = True
            if reworded:
                self._settings = await asyncio.to_thread(load_settings, self._config)
                self._say("a wording was adopted or taken back: the bot begins anew, in the present words")

    async def _work(self) -> None:
        settings = self._settings
        async with AsyncExitStack() as stack:
            store = await stack.enter_async_context(Store(settings.data_dir))
            words = queues.Words(questions=settings.questions, guideline=guideline_version(settings.questions))
            await store.do(queues.note, words, datetime.now(UTC))
            if moved := await store.do(ask_anew, settings.questions):
                self._say(f"the questions have other wordings by now: {moved} open requests are asked anew")
            modes = Modes(settings.rooms())
            if gone := await store.do(consent.hold_to, lambda *room: modes.of(*room).mode):
                self._say(f"{gone} open requests are taken back: their rooms do not let annotators read any more")
            slot = await stack.enter_async_context(ServingSlot(settings, store))
            adapter = await stack.enter_async_context(open_adapter(settings))
            rooms, actor = settings.rooms(), None
            if settings.answer.url is not None:
                answers = await stack.enter_async_context(Answerer(settings.answer))
                actor = Actor(store, adapter, answers, settings.questions, rooms)
            recall = settings.manners.recall_reactions
            steward = Steward(store, adapter, settings.questions, rooms, recall)
            asker = Asker(settings, store)
            live = Pipeline(
                settings=settings, store=store, adapter=adapter, slot=slot, actor=actor, steward=steward, asker=asker
            )
            self._say(f"listening on {adapter.name}; {slot.revision} decides; " + _manners(actor))
            look_less_often()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_listen(live))
                tasks.create_task(slot.watch())
                tasks.create_task(self._label(store, asker))
                if settings.chat.adapter not in AT_TERMINAL:
                    tasks.create_task(watch_words(settings, self._config))

    async def _label(self, store: Store, asker: Asker) -> None:
        """Keep the labelling queue going; the bot has been deciding since before it is up."""
        settings = self._settings
        async with AsyncExitStack() as stack:
            embedded: EmbeddedArgilla | None = None
            if settings.argilla.url is None:
                home = settings.data_dir / HOME
                embedded = EmbeddedArgilla(home, port=settings.argilla.port)
                await stack.enter_async_context(embedded)
                url, key = embedded.url, embedded.credentials.api_key
                await asyncio.to_thread(note_address, home, url)
                self._say(f"Argilla: {url}  login: {home / CREDENTIALS}")
            else:
                url, key = settings.argilla.url, secret(settings.argilla.api_key_env) or ""
            desk = await stack.enter_async_context(Desk(url, key, settings.questions, settings.ask.language))
            if embedded is None:
                self._say(f"Argilla: {url}")
                if is_exposed(url):
                    self._say("its address is http: our key and what is asked go over the network unencrypted")
            self._say(await _queue_now(desk))
            alias_key = await asyncio.to_thread(alias_key_in, settings.data_dir)
            suggest = settings.ask.suggestions
            modes = Modes(settings.rooms())
            outbox = Outbox(store, desk, settings.questions, alias_key=alias_key, suggest=suggest, modes=modes)
            inlet = Inlet(store, desk, settings.questions)
            news = News(store, desk, settings.ask.language)
            eraser = Eraser(store, settings.data_dir, argilla=None if embedded is None else embedded.home)

            async def top_up() -> None:
                mode = lambda room, platform: modes.of(room, platform).mode  # noqa: E731 - said once, beside its use
                await store.do(renew, settings.questions, settings.ask, mode, datetime.now(UTC))
                await store.do(send_proposed, settings, modes, datetime.now(UTC))
                await asker.top_up()
                await outbox.flush()
                await news.tell()

            schedule = Schedule(
                settings, store, config=self._config, pull=inlet.pull, top_up=top_up, erase=eraser.finish
            )
            await stack.enter_async_context(schedule)
            if embedded is None:
                await asyncio.Event().wait()
            else:
                await embedded.supervise()


async def _listen(live: Pipeline) -> None:
    await live.run()
    log.info("the chat has ended", messages=live.tally.messages, bursts=live.tally.bursts)


async def _queue_now(desk: Desk) -> str:
    """What stands in the queue. Raises LabelingError for what waiting will not mend: better now than at 3 at night."""
    try:
        found = await desk.progress()
    except UnreachableError as error:
        return f"{error}. The bot goes on without it: requests wait in the database and go out when it answers"
    return f"labelling queue: {found.total} requests, {found.completed} answered"


def _manners(actor: Actor | None) -> str:
    if actor is None:
        return "it says nothing, for config.toml names no answerer"
    return "it replies where it is sure"

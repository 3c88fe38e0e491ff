"""Telegram, by long polling; aiogram is the typed client, the polling is ours.

Telegram keeps updates until a later request confirms them, for 24 hours at most. A request confirms here only what is
on disk, so nothing is lost when we are killed; what comes twice then, the inbox knows by its id.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any, Self, TypeVar

import structlog
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import (
    AiogramError,
    TelegramAPIError,
    TelegramBadRequest,
    TelegramConflictError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramUnauthorizedError,
)
from aiogram.methods import DeleteMessage, GetChatAdministrators, GetMe, GetUpdates, SendMessage, TelegramMethod
from aiogram.types import LinkPreviewOptions, ReplyParameters, User
from aiogram.utils.token import TokenValidationError

from bot.adapters.backoff import Backoff
from bot.adapters.base import Capabilities
from bot.adapters.telegram_updates import KINDS, PLATFORM, event_id, events_of, message_number
from models.chat import ChatEvent
from models.errors import PlatformError
from models.ids import EventId, MemberId, RoomId
from models.settings import TelegramSettings, secret

TEXT_MAX = 4096
"""UTF-16 units in a message; Telegram counts characters, which are at most as many."""
CONFLICTS_MAX = 3
"""A second poller in a row this often is no leftover of a restart."""
WAITED_MAX_S = 60.0
"""A reply that Telegram wants later than this is not said."""

Answer = TypeVar("Answer")
log = structlog.get_logger(__name__)


class RawUpdates(GetUpdates):
    """getUpdates whose answer is not read as a whole, so that one update of a newer kind does not spoil the others."""

    __returning__ = list[dict[str, Any]]


class TelegramChat:
    """The groups that a bot account is a member of. Telegram tells nobody about deletions."""

    def __init__(self, settings: TelegramSettings, *, backoff: Backoff | None = None) -> None:
        self._settings = settings
        self._backoff = backoff or Backoff()
        self._token = secret(settings.token_env) or ""
        self._bot: Bot | None = None
        self._me: User | None = None
        self._undurable: set[EventId] = set()
        self._all_durable = asyncio.Event()
        self.name = PLATFORM

    @property
    def capabilities(self) -> Capabilities:
        """In privacy mode, which is known once connected, the bot sees only what speaks to it."""
        mention_only = self._me is not None and not self._me.can_read_all_group_messages
        return Capabilities(threads=True, edits=True, reactions=True, history=True, mention_only=mention_only)

    async def __aenter__(self) -> Self:
        """Ask who we are; raises PlatformError where the token is not good or the server cannot be reached."""
        session = AiohttpSession(api=TelegramAPIServer.from_base(self._settings.base_url))
        try:
            self._bot = Bot(self._token, session=session)
            self._me = await self._call(GetMe())
        except BaseException as error:
            await session.close()
            if isinstance(error, TokenValidationError):
                raise self._bad_token(error) from error
            raise
        if self.capabilities.mention_only:
            log.warning(
                "privacy mode is on: the bot sees only what speaks to it; @BotFather's /setprivacy changes that"
            )
        return self

    async def __aexit__(self, *_: object) -> None:
        """Disconnect."""
        if self._bot is not None:
            await self._bot.session.close()

    async def events(self, cursor: str | None) -> AsyncIterator[ChatEvent]:
        """Yield events batch by batch; the next request, which confirms a batch, waits until it is on disk.

        There is no cursor, for the server keeps what was not confirmed. An old offset would confirm too much where the
        server has begun to count anew, as it does after a quiet week.
        """
        del cursor
        confirm: int | None = None
        while True:
            updates = await self._updates(confirm)
            confirm = max((update["update_id"] for update in updates), default=-1) + 1 or None
            events = [event for update in updates for event in events_of(update, self._me)]
            self._undurable.update(event.id for event in events)
            self._all_durable.clear()
            for event in events:
                yield event
            if self._undurable:
                await self._all_durable.wait()

    def durable(self, events: Sequence[ChatEvent]) -> None:
        """Note what the next request may confirm."""
        self._undurable.difference_update(event.id for event in events)
        if not self._undurable:
            self._all_durable.set()

    async def reply(self, room: RoomId, thread: str | None, reply_to: EventId | None, text: str) -> EventId:
        """Send plain text; what Telegram would not take as one message is cut."""
        answered = None
        if reply_to is not None:
            answered = ReplyParameters(message_id=message_number(reply_to), allow_sending_without_reply=True)
        message = SendMessage(
            chat_id=int(room),
            text=_cut(text),
            message_thread_id=None if thread is None else int(thread),
            reply_parameters=answered,
            link_preview_options=LinkPreviewOptions(is_disabled=True),
        )
        said = await self._call(message)
        return event_id(said.chat.id, said.message_id)

    async def retract(self, room: RoomId, said: EventId) -> bool:
        """Delete what the bot said; Telegram lets it for 48 hours."""
        try:
            return await self._call(DeleteMessage(chat_id=int(room), message_id=message_number(said)))
        except PlatformError as error:
            if isinstance(error.__cause__, TelegramBadRequest):
                return False
            raise

    async def is_admin(self, room: RoomId, member: MemberId) -> bool:
        """Tell whether a member is an administrator; one who hides speaks as the group itself."""
        if str(member) == str(room):
            return True
        admins = await self._call(GetChatAdministrators(chat_id=int(room)))
        return any(str(admin.user.id) == member for admin in admins)

    async def _updates(self, confirm: int | None) -> list[dict[str, Any]]:
        """Poll until the server answers; raises PlatformError where trying again would not help."""
        conflicts = 0
        poll = RawUpdates(offset=confirm, timeout=max(1, int(self._settings.poll_s)), allowed_updates=KINDS)
        while True:
            try:
                updates: Any = await self._connected()(poll, request_timeout=int(self._settings.poll_s) + 10)
            except TelegramRetryAfter as error:
                await asyncio.sleep(error.retry_after)
            except (TelegramUnauthorizedError, TelegramNotFound) as error:
                raise self._bad_token(error) from error
            except TelegramConflictError as error:
                conflicts += 1
                if conflicts >= CONFLICTS_MAX:
                    raise PlatformError(
                        f"Telegram lets one program poll, and another one does with this token, or a webhook is set "
                        f"({error.message}); stop the other one, or make a token of its own with @BotFather"
                    ) from error
                await asyncio.sleep(self._backoff.failed())
            except AiogramError as error:
                wait_s = self._backoff.failed()
                log.warning("Telegram does not answer", error=self._without_token(error), again_in_s=round(wait_s, 1))
                await asyncio.sleep(wait_s)
            else:
                self._backoff.worked()
                return list(updates)

    async def _call(self, method: TelegramMethod[Answer]) -> Answer:
        """Make a call; waits where the server wants us to, raises PlatformError.

        A call that failed otherwise is not repeated: nobody knows whether the message was sent.
        """
        waited_s = 0.0
        while True:
            try:
                return await self._connected()(method, request_timeout=30)
            except TelegramRetryAfter as error:
                waited_s += error.retry_after
                if waited_s > WAITED_MAX_S:
                    raise PlatformError(f"Telegram wants no message for {error.retry_after} seconds") from error
                await asyncio.sleep(error.retry_after)
            except (TelegramUnauthorizedError, TelegramNotFound) as error:
                raise self._bad_token(error) from error
            except TelegramAPIError as error:
                raise PlatformError(
                    f"Telegram refused {method.__api_method__}: {self._without_token(error)}; is the bot still a "
                    "member of the group, and allowed to write there?"
                ) from error
            except AiogramError as error:
                raise PlatformError(f"Telegram gave no answer that we know: {self._without_token(error)}") from error

    def _connected(self) -> Bot:
        if self._bot is None:
            raise RuntimeError("a TelegramChat is used with `async with`")
        return self._bot

    def _bad_token(self, error: Exception) -> PlatformError:
        return PlatformError(
            f"Telegram does not know the token in {self._settings.token_env} ({self._without_token(error)}); "
            "@BotFather shows the right one"
        )

    def _without_token(self, error: Exception) -> str:
        """What an error says; the token is part of the URL, and must not come into a log."""
        return str(error).replace(self._token, "...")


def _cut(text: str) -> str:
    units = text.encode("utf-16-le", "replace")
    if len(units) <= 2 * TEXT_MAX:
        return text
    return units[: 2 * (TEXT_MAX - 1)].decode("utf-16-le", "ignore") + "…"

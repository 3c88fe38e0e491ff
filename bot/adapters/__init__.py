"""Where messages come from and replies go: one file per platform, one name in the factories."""

from collections.abc import Callable, Mapping

from bot.adapters.base import Capabilities, ChatAdapter
from bot.adapters.console import ConsoleChat
from bot.adapters.replay import ReplayChat
from bot.adapters.webhook import WebhookChat
from models.errors import SettingsError
from models.settings import Settings, secret

__all__ = ["Capabilities", "ChatAdapter", "ConsoleChat", "ReplayChat", "open_adapter"]


def _replay(settings: Settings) -> ReplayChat:
    if settings.chat.path is None:
        raise SettingsError("chat.path is missing; it names the file of messages to replay")
    return ReplayChat(settings.chat.path, speed=settings.chat.speed, gap_s=settings.burst.gap_s)


def _matrix(settings: Settings) -> ChatAdapter:
    token = secret(settings.matrix.token_env)
    try:
        from bot.adapters.matrix import MatrixChat  # noqa: PLC0415 - matrix-nio is an extra
    except ImportError as error:
        raise SettingsError(
            f'chat.adapter = "matrix" needs matrix-nio: pip install "quandary[matrix]" ({error})'
        ) from None
    return MatrixChat(settings.matrix, token or "")


def _telegram(settings: Settings) -> ChatAdapter:
    try:
        from bot.adapters.telegram import TelegramChat  # noqa: PLC0415 - aiogram is an extra, and slow to import
    except ImportError as error:
        raise SettingsError('adapter = "telegram" needs aiogram: pip install "quandary[telegram]"') from error
    return TelegramChat(settings.telegram)


def _lark(settings: Settings) -> ChatAdapter:
    try:
        from bot.adapters.lark import LarkChat  # noqa: PLC0415 - cryptography is an extra
    except ImportError as error:
        raise SettingsError('adapter = "lark" needs cryptography: pip install "quandary[lark]"') from error
    return LarkChat(settings.lark)


FACTORIES: Mapping[str, Callable[[Settings], ChatAdapter]] = {
    "console": lambda _: ConsoleChat(),
    "replay": _replay,
    "matrix": _matrix,
    "telegram": _telegram,
    "lark": _lark,
    "webhook": lambda settings: WebhookChat(settings.webhook),
}


def open_adapter(settings: Settings) -> ChatAdapter:
    """Make the adapter that config.toml names; raises SettingsError where its settings do not suffice."""
    return FACTORIES[settings.chat.adapter](settings)

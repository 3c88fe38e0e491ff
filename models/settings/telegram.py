"""Telegram."""

from models.settings.table import Seconds, Table


class TelegramSettings(Table):
    """The bot's account; ``base_url`` is the Bot API's server, which may be one's own."""

    token_env: str = "QUANDARY_TELEGRAM_TOKEN"  # noqa: S105 - the name of a variable, not a token
    base_url: str = "https://api.telegram.org"
    poll_s: Seconds = 30.0

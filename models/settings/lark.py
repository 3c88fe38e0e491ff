"""Lark and Feishu."""

from models.settings.table import Port, Table


class LarkSettings(Table):
    """A self-built app, and where its events are received.

    ``base_url`` is https://open.feishu.cn for Feishu and https://open.larksuite.com for Lark. ``mention_only`` says
    that the app may only read messages that mention it.
    """

    app_id: str = ""
    app_secret_env: str = "QUANDARY_LARK_SECRET"  # noqa: S105 - the name of a variable, not a secret
    encrypt_key_env: str = "QUANDARY_LARK_ENCRYPT_KEY"
    verification_token_env: str | None = None
    base_url: str = "https://open.feishu.cn"
    host: str = "127.0.0.1"
    port: Port = 8711
    mention_only: bool = False

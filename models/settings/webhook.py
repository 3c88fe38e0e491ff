"""The generic signed webhook."""

from models.settings.table import Port, Table


class WebhookSettings(Table):
    """Where events are received, where replies are sent (None: nowhere), and which members rule in every room."""

    secret_env: str = "QUANDARY_WEBHOOK_SECRET"  # noqa: S105 - the name of a variable, not a secret
    host: str = "127.0.0.1"
    port: Port = 8712
    reply_url: str | None = None
    admins: tuple[str, ...] = ()

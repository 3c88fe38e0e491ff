"""Who answers questions."""

from models.settings.table import Seconds, Table


class AnswerSettings(Table):
    """Who answers questions: an OpenAI-compatible endpoint, or nobody."""

    url: str | None = None
    model: str | None = None
    api_key_env: str | None = None
    timeout_s: Seconds = 30.0

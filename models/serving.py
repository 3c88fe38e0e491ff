"""Opening the model server of config.toml with all that it needs."""

from models.llama.resolve import gguf_of
from models.llama.vocabulary import Vocabulary
from models.remote import RemoteDecider, open_remote
from models.settings import Settings

SERVER = "server"
"""What ``--model`` and ``quandary calibrate`` call the server of [decide.server]."""


def open_server(settings: Settings) -> RemoteDecider:
    """Make ready to ask the server; raises ModelError or SettingsError as :func:`open_remote` does."""
    server = settings.decide.server
    tokens = server.prompt == "tokens" and server.tokenizer is not None
    return open_remote(settings, Vocabulary(gguf_of(server.tokenizer or "")) if tokens else None)

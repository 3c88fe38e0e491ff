"""Where the labelling queue is: the configured Argilla, a running bot's own, or one started for a moment."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from labeling.embedded import EmbeddedArgilla
from labeling.server.secret_files import load_credentials, write_private
from models.errors import LabelingError
from models.settings import Settings, secret

HOME = "argilla"
_ADDRESS = "address"
_ALIAS_KEY = "alias.key"
_KNOCK_S = 2.0


@asynccontextmanager
async def argilla_of(settings: Settings) -> AsyncIterator[tuple[str, str]]:
    """Yield address and API key of the queue; raises LabelingError or SettingsError.

    Without a configured Argilla and without a running bot, the embedded one runs for as long as this is entered.
    """
    if settings.argilla.url is not None:
        yield settings.argilla.url, secret(settings.argilla.api_key_env) or ""
        return
    home = settings.data_dir / HOME
    url = await asyncio.to_thread(_noted, home)
    credentials = load_credentials(home)
    if url is not None and credentials is not None and await _answers(url):
        yield url, credentials.api_key
        return
    async with EmbeddedArgilla(home, port=settings.argilla.port) as embedded:
        yield embedded.url, embedded.credentials.api_key


async def argilla_runs(settings: Settings) -> bool:
    """Tell whether a bot that runs here keeps an embedded Argilla up."""
    url = await asyncio.to_thread(_noted, settings.data_dir / HOME)
    return url is not None and await _answers(url)


def note_address(home: Path, url: str) -> None:
    """Note where a running bot's Argilla is, for the other commands."""
    write_private(home / _ADDRESS, url + "\n")


def alias_key_in(data_dir: Path) -> bytes:
    """The key that names rooms in Argilla, made at the first use and kept beside the database.

    Raises LabelingError where the file is damaged.
    """
    path = data_dir / _ALIAS_KEY
    try:
        if not path.exists():
            write_private(path, secrets.token_hex(16) + "\n")
        return bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as error:
        raise LabelingError(f"{path} cannot be read ({error}); remove it to have rooms named anew") from error


def _noted(home: Path) -> str | None:
    try:
        return (home / _ADDRESS).read_text(encoding="ascii").strip()
    except OSError:
        return None


async def _answers(url: str) -> bool:
    parts = urlsplit(url)
    try:
        async with asyncio.timeout(_KNOCK_S):
            _, writer = await asyncio.open_connection(parts.hostname, parts.port)
    except OSError:  # TimeoutError is one
        return False
    writer.close()
    return True

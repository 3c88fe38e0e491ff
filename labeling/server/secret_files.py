"""Files that only their owner may read: the owner's login and the key that signs sessions."""

import json
import os
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from models.errors import LabelingError

CREDENTIALS = "credentials.json"
SESSION_KEY = "session.key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Login of the embedded server's owner; ``api_key`` is for programs, the password for the web page."""

    username: str
    password: str
    api_key: str


def write_private(path: Path, text: str) -> None:
    """Replace a file as a whole, readable by its owner only (mode 0600)."""
    handle, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mkstemp creates with mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(aside).replace(path)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise


def load_credentials(home: Path) -> Credentials | None:
    """Read the owner's login, or None where there is none yet; raises LabelingError for a damaged file."""
    path = home / CREDENTIALS
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise LabelingError(f"{path} cannot be read ({error}); remove it to have a new login made") from error
    if not isinstance(fields, Mapping) or set(fields) != {"username", "password", "api_key"}:
        raise LabelingError(f"{path} does not hold username, password and api_key; remove it to have a new login made")
    return Credentials(**{name: str(value) for name, value in fields.items()})


def ensure_credentials(home: Path) -> Credentials:
    """Read the owner's login, making a random one first where there is none."""
    credentials = load_credentials(home)
    if credentials is None:
        credentials = Credentials(
            username="owner", password=secrets.token_urlsafe(12), api_key=secrets.token_urlsafe(48)
        )
        write_private(home / CREDENTIALS, json.dumps(asdict(credentials), indent=2) + "\n")
    return credentials


def ensure_session_key(home: Path) -> str:
    """Read the key that signs sessions, making it first where there is none; without it a restart logs everyone out."""
    path = home / SESSION_KEY
    if not path.exists():
        write_private(path, secrets.token_hex(32))
    return path.read_text(encoding="utf-8").strip()

"""From a model's name in config.toml to a GGUF file, and its hash."""

import hashlib
from pathlib import Path

from models.errors import ModelError

STARTER = Path(__file__).resolve().parent.parent / "starter"
ALIASES = {"starter": "starter-l", "starter-base": "starter-base-l"}
"""The largest rung of the starter family with and without what it learned from gold labels."""


def gguf_of(name: str) -> Path:
    """Find the GGUF that ``name`` means: a built-in name, a file, or a folder that holds exactly one.

    Raises ModelError where there is none, or more than one.
    """
    if name.startswith("starter"):
        shipped = STARTER / "gguf" / f"{ALIASES.get(name, name)}.q8_0.gguf"
        if shipped.exists():
            return shipped
    path = Path(name).expanduser()
    if path.is_dir():
        found = sorted(path.glob("*.gguf"))
        if len(found) == 1:
            return found[0]
        raise ModelError(f"the folder {path} holds {len(found)} GGUF files; name the one to use")
    if not path.exists():
        raise ModelError(f"there is no model at {path}; built in are {', '.join(built_in())}")
    return path


def built_in() -> list[str]:
    """Names that need no file: the shipped GGUFs and their aliases."""
    shipped = sorted(path.name.removesuffix(".q8_0.gguf") for path in (STARTER / "gguf").glob("*.gguf"))
    return [*ALIASES, *shipped]


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hex; raises ModelError where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}") from error

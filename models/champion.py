"""Which model serves: the promoted one, or the one that config.toml names."""

from pathlib import Path

from models.llama.resolve import gguf_of
from models.settings import Settings
from models.store.database import FILE, open_database
from models.store.promotions import current_slot


def champion_gguf(settings: Settings) -> tuple[Path, str | None]:
    """The champion's GGUF, and the SHA-256 that its approval bound (None for the model of config.toml).

    Raises ModelError where the configured model does not exist.
    """
    slot = None
    if (settings.data_dir / FILE).exists():
        db = open_database(settings.data_dir)
        slot = current_slot(db)
        db.close()
    if slot is None or slot.candidate is None:
        return gguf_of(settings.decide.model), None
    return settings.data_dir / slot.gguf_path, slot.gguf_sha256

from pathlib import Path

from models.settings import Settings, load_settings
from models.toml import dump_settings


def test_settings_come_back_as_they_were(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    odd = settings.model_copy(update={"ask": settings.ask.model_copy(update={"daily_budget": 7, "audit_share": 0.5})})
    path.write_text(dump_settings(odd), encoding="utf-8")
    assert load_settings(path) == odd

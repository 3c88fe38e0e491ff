from pathlib import Path

from models.settings import load_settings
from models.toml import dump_settings

REPO = Path(__file__).parents[2]


def test_three_lines_are_a_whole_config_and_ask_the_shipped_questions(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(
        'chat.adapter = "matrix"\n'
        'matrix.homeserver = "https://matrix.example.org"\n'
        'matrix.user = "@quandary:example.org"\n'
    )
    settings = load_settings(path)
    assert settings.matrix.servers == ("example.org",)
    assert settings.question == load_settings(REPO / "config.toml").question
    again = tmp_path / "again.toml"
    again.write_text(dump_settings(settings), encoding="utf-8")
    assert load_settings(again) == settings

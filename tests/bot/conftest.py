"""Fixtures for the live side; ``bot_fakes`` is found beside this file, by child processes too."""

import sys
from pathlib import Path

import hypothesis
import pytest
import structlog

sys.path.insert(0, str(Path(__file__).parent))

from bot_fakes import REPO, settings_in
from tiny_gguf import make_gguf

from models.settings import load_settings
from models.store.thread import Store

hypothesis.settings.register_profile("busy host", deadline=None)
hypothesis.settings.load_profile("busy host")

EXCERPT = Path(__file__).parent / "fixtures" / "ubuntu_excerpt.jsonl"


@pytest.fixture(autouse=True)
def _quiet_logs():
    structlog.configure(
        processors=[structlog.processors.KeyValueRenderer()], logger_factory=structlog.ReturnLoggerFactory()
    )
    yield
    structlog.reset_defaults()


@pytest.fixture
def settings(tmp_path):
    return settings_in(tmp_path / "var")


@pytest.fixture
async def store(settings):
    async with Store(settings.data_dir) as opened:
        yield opened


@pytest.fixture
def any_model(monkeypatch):
    """Let the slot open a model by any name; what it opens is the test's own."""
    monkeypatch.setattr("bot.slot.gguf_of", Path)


@pytest.fixture
def excerpt():
    return EXCERPT


@pytest.fixture(scope="session")
def ggufs(tmp_path_factory):
    """Two tiny models of different weights."""
    folder = tmp_path_factory.mktemp("gguf")
    return [make_gguf(folder / f"{name}.gguf", seed) for seed, name in enumerate(("one", "two"))]


@pytest.fixture
def house(tmp_path, ggufs):
    """A config.toml over a tiny model: its path, and the settings read from it."""
    text = (REPO / "config.toml").read_text(encoding="utf-8")
    text = text.replace('model = "starter"', f'model = "{ggufs[0]}"').replace(
        "max_prompt_tokens = 200 ", "max_prompt_tokens = 2000 "
    )
    text = text.replace("threads = 2", "threads = 1").replace("port = 6900", "port = 0")
    text += '\n[[room]]\nid = "*"\nmode = "train"\n'
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path, load_settings(path)

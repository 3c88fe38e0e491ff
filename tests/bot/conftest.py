"""Fixtures for the live side; ``bot_fakes`` is found beside this file, by child processes too."""

import sys
from pathlib import Path

import pytest
import structlog

sys.path.insert(0, str(Path(__file__).parent))

from bot_fakes import settings_in

from models.store.thread import Store

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
def excerpt():
    return EXCERPT

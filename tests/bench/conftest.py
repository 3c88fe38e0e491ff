"""The questions of config.toml."""

from pathlib import Path

import pytest

from models.question import Question
from models.settings import load_settings


@pytest.fixture(scope="session")
def questions() -> tuple[Question, ...]:
    return load_settings(Path(__file__).parents[2] / "config.toml").questions

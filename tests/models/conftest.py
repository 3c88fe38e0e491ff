"""Questions and bursts for the tests of the ground floor."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # stand_ins is found beside this file

from models.chat import Burst, WindowMessage
from models.ids import BurstId, MemberId, RoomId
from models.question import Question
from models.settings import Settings, load_settings

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def settings() -> Settings:
    return load_settings(Path(__file__).parents[2] / "config.toml")


@pytest.fixture(scope="session")
def questions(settings: Settings) -> tuple[Question, ...]:
    return settings.questions


@pytest.fixture(scope="session")
def make_burst() -> Callable[..., Burst]:
    def make(text: str = "how do I mount it?", window: tuple[tuple[str, str], ...] = (), sender: str = "u1") -> Burst:
        return Burst(
            id=BurstId("b1"),
            room=RoomId("room"),
            sender=MemberId(sender),
            text=text,
            window=tuple(WindowMessage(sender=s, text=t) for s, t in window),
            started_at=NOON,
            ended_at=NOON,
        )

    return make

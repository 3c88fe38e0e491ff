from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from labeling.embedded import EmbeddedArgilla
from models.ids import OptionId, QuestionId
from models.question import Option, Question

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
OPTIONS = tuple(Option(id=OptionId(o), wording=o) for o in ("yes", "no", "unsure"))


def question(name: str, **after: str) -> Question:
    return Question(
        id=QuestionId(name),
        text=f"{name}?",
        definition=f"{name}: is it so?",
        options=OPTIONS,
        positive=OptionId("yes"),
        abstain=OptionId("unsure"),
        after={QuestionId(q): OptionId(o) for q, o in after.items()},
        guidelines=f"**yes**: {name} holds.",
    )


@pytest.fixture
def questions() -> tuple[Question, Question]:
    return question("is_question"), question("needs_context", is_question="yes")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def argilla(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedArgilla]:
    home: Path = tmp_path_factory.mktemp("argilla")
    async with EmbeddedArgilla(home) as server:
        yield server

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from labeling.embedded import EmbeddedArgilla
from tests.labeling.made import Two, question


@pytest.fixture
def questions() -> Two:
    return question("is_question"), question("needs_context", is_question="yes")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def argilla(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedArgilla]:
    """One real server for all tests; each test makes a queue of its own in it."""
    async with EmbeddedArgilla(tmp_path_factory.mktemp("argilla"), start_timeout_s=300) as server:
        yield server

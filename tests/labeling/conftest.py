import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from labeling.argilla import ArgillaQueue
from labeling.embedded import EmbeddedArgilla
from tests.labeling.made import Two, question, wordings


@pytest.fixture
def questions() -> Two:
    return question("is_question"), question("needs_context", is_question="yes")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def argilla(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedArgilla]:
    """One real server for all tests; each test makes a queue of its own in it."""
    async with EmbeddedArgilla(tmp_path_factory.mktemp("argilla"), start_timeout_s=300) as server:
        yield server


@pytest_asyncio.fixture(loop_scope="session")
async def queue(argilla: EmbeddedArgilla, request: pytest.FixtureRequest) -> AsyncIterator[ArgillaQueue]:
    """A queue of its own for each test: the question's wording is the test's name."""
    own = wordings(request.node.name)
    connected = await asyncio.to_thread(ArgillaQueue.connect, argilla.url, argilla.credentials.api_key)
    await asyncio.to_thread(connected.ensure_dataset, own)
    yield connected
    connected.close()

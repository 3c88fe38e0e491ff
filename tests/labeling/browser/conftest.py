"""Chromium as the system has it: never one that playwright downloads."""

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, async_playwright

from labeling.embedded import EmbeddedArgilla

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
OFFLINE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
PATIENCE_MS = 120_000


@pytest.fixture(scope="session")
def chromium() -> str:
    found = os.environ.get("QUANDARY_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        why = "no Chromium: install your system's (Debian: apt-get install chromium) or name one in QUANDARY_CHROMIUM"
        if os.environ.get("QUANDARY_REQUIRE_CHROMIUM"):
            pytest.fail(why)
        pytest.skip(why)
    return found


@pytest_asyncio.fixture(loop_scope="session")
async def argilla(tmp_path: Path) -> AsyncIterator[EmbeddedArgilla]:
    """A server of its own: Argilla's first page lists ten queues, and other tests make more than that."""
    async with EmbeddedArgilla(tmp_path / "argilla", start_timeout_s=300) as server:
        yield server


@pytest_asyncio.fixture(loop_scope="session")
async def browser(chromium: str, tmp_path: Path) -> AsyncIterator[BrowserContext]:
    """A browser with an empty profile that can reach nothing but this machine."""
    async with async_playwright() as playwright:
        context = await playwright.chromium.launch_persistent_context(
            tmp_path / "profile",
            executable_path=chromium,
            args=[*FLAGS, OFFLINE],
            viewport={"width": 1280, "height": 800},
            timeout=PATIENCE_MS,
        )
        context.set_default_timeout(PATIENCE_MS)
        yield context
        await context.close()

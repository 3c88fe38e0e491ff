"""An annotator's hour at Argilla's real page, in a real browser, by keyboard.

``QUANDARY_PICTURES=docs/images pytest tests/labeling/browser`` takes the pictures of docs/annotators.md on the way.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import BrowserContext, Dialog, Page, Request

from labeling.embedded import EmbeddedArgilla
from labeling.names import ANIMALS
from models.chat import Burst
from models.labels import ResponseStatus, request_id
from models.question import joint_version, versions
from models.settings import load_settings
from models.store import labels, responses
from tests.labeling.browser.chat import IMAGE, SCRIPT, bursts
from tests.labeling.browser.stage import ANNOTATOR, BLIND, Stage, staged

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(900)]
ROOT = Path(__file__).parents[3]
ASKS = {0, 3, 6, 8, 12, 15}
"""Which bursts of the chat the annotator takes for questions."""
CHANGED = "begins => !document.querySelector('.chat__bubble')?.innerText.startsWith(begins)"


async def picture(page: Page, name: str) -> None:
    folder = os.environ.get("QUANDARY_PICTURES")
    if folder:
        await page.screenshot(path=Path(folder) / f"{name}.png")


async def log_in(page: Page, stage: Stage, dataset: str) -> None:
    await page.goto(stage.url)
    await page.locator("input[type=password]").wait_for()
    await page.locator("input").nth(0).fill(ANNOTATOR)
    await page.locator("input[type=password]").fill(stage.password)
    await page.keyboard.press("Enter")
    await page.get_by_text(dataset, exact=True).click()
    await page.locator("#is_question_yes").wait_for(state="attached")


async def submitted(page: Page, count: int) -> None:
    """Wait until the page's own progress says so."""
    await page.wait_for_function(
        "n => new RegExp('Submitted\\\\s*' + n + '\\\\s*$').test(document.body.innerText.trim())", arg=count
    )


async def marked(page: Page) -> str | None:
    """Which answer to the first question is marked, if any."""
    for option in ("yes", "no", "unsure"):
        if await page.locator(f"#is_question_{option}").is_checked():
            return option
    return None


async def focused(page: Page) -> str:
    return str(await page.evaluate("document.activeElement.id"))


async def answer_by_keyboard(page: Page, *, asks: bool) -> None:
    """Mark the answers with the number keys. A number unmarks what is marked, and marks it when pressed again."""
    wanted = "yes" if asks else "no"
    key = "1" if asks else "2"
    if await marked(page) != wanted:
        await page.keyboard.press(key)
    elif asks:
        await page.keyboard.press(key)
        await page.locator("#is_question_yes:not(:checked)").wait_for(state="attached")
        await page.keyboard.press(key)
    if asks:
        for _ in range(600):
            if (await focused(page)).startswith("needs_context"):
                break
            await asyncio.sleep(0.1)
        await page.keyboard.press("2")
        await page.locator("#needs_context_no:checked").wait_for(state="attached")
    await page.locator(f"#is_question_{wanted}:checked").wait_for(state="attached")


def begins(burst: Burst) -> str:
    return burst.text[:8]


async def shown(page: Page, said: Sequence[Burst]) -> int:
    """Which burst the page shows."""
    text = await page.locator(".chat__bubble").first.inner_text()
    return next(number for number, burst in enumerate(said) if text.startswith(begins(burst)))


async def markup_is_text(page: Page) -> None:
    text = await page.inner_text(".record__content")
    assert SCRIPT in text
    assert IMAGE in text
    assert await page.locator(".record__content :is(img, script, b)").count() == 0


async def rewrite_of(page: Page) -> str:
    return str(await page.locator("[contenteditable]").first.inner_text()).strip()


async def test_an_annotator_labels_ten_items_by_keyboard_and_discards_one(
    argilla: EmbeddedArgilla, browser: BrowserContext, tmp_path: Path
) -> None:
    questions = load_settings(ROOT / "config.toml").questions
    hosts: set[str | None] = set()
    dialogs: list[str] = []

    async def dismiss(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        await dialog.dismiss()

    def loaded(request: Request) -> None:
        if not request.url.startswith(("data:", "blob:")):
            hosts.add(urlsplit(request.url).hostname)

    async with staged(argilla, tmp_path, questions) as stage:
        page = browser.pages[0]
        page.on("dialog", dismiss)
        page.on("requestfinished", loaded)
        await log_in(page, stage, f"quandary-{joint_version(questions)}")
        await submitted(page, 0)

        said = bursts()
        answered: dict[int, str] = {}  # the speaker's name by the burst's number
        discarded = pictured = False
        while len(answered) < 10 or not discarded:
            number = await shown(page, said)
            if SCRIPT in said[number].text:
                await markup_is_text(page)
                await picture(page, "annotators-markup")
                await page.keyboard.press("Backspace")
                discarded = True
            elif len(answered) < 10:
                assert await rewrite_of(page) == ""
                assert (await marked(page) is None) == (number < BLIND)
                answered[number] = await page.locator(".chat__role").first.inner_text()
                if number >= max(6, BLIND) and not pictured:
                    pictured = True
                    await picture(page, "annotators-item")
                await answer_by_keyboard(page, asks=number in ASKS)
                await page.keyboard.press("Enter")
                await submitted(page, len(answered))
            else:
                await page.keyboard.press("ArrowRight")
            await page.wait_for_function(CHANGED, arg=begins(said[number]))
        assert "62.50%" in await page.inner_text("body")
        named = {said[number].sender: name for number, name in answered.items()}
        assert set(named.values()) <= set(ANIMALS)
        assert all(named[said[number].sender] == name for number, name in answered.items())  # the same all day

        await page.get_by_role("button", name="Expand Panel").first.click()
        await page.get_by_text("Answer for the last message only").wait_for()
        for question in questions:
            assert await page.get_by_role("heading", name=question.text).is_visible()
        await picture(page, "annotators-guidelines")

        assert await page.title() == "Argilla"
        assert dialogs == []
        assert hosts == {"127.0.0.1"}

        await stage.inlet.pull()
        given = await stage.store.do(responses.every)
        assert {r.annotator for r in given} == {ANNOTATOR}
        assert Counter(r.status for r in given) == {ResponseStatus.SUBMITTED: 10, ResponseStatus.DISCARDED: 1}
        by_request = {r.request: dict(r.answers) for r in given}
        asked = {"is_question": "yes", "needs_context": "no"}
        for number in answered:
            wanted = asked if number in ASKS else {"is_question": "no"}
            assert by_request[request_id(said[number].id, questions)] == wanted, said[number].text
        assert all(r.rewrite is None for r in given)
        settled = await stage.store.do(labels.count, versions(questions))
        assert settled == {"is_question": 10, "needs_context": len(ASKS & answered.keys())}

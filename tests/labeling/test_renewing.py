from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from labeling.renewing import renew
from models.consent import Mode
from models.ids import BurstId
from models.labels import Label, Purpose, RequestState, request_id
from models.question import versions
from models.settings import AskSettings
from models.store import bursts, labels, requests, standing
from models.store.thread import Store
from tests.labeling.made import NOON, OPTIONS, burst, question, request

BEFORE = question("is_question"), question("needs_context", is_question="yes")
NOW = BEFORE[0], replace(BEFORE[1], text="Is the chat before it needed?")
LATER = NOON + timedelta(days=2)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """Six bursts labelled under the old words, the last first."""
    async with Store(tmp_path) as opened:
        for number in range(6):
            name = BurstId(f"b{number}")
            await opened.do(bursts.close, [burst("how?", name=name)])
            asked = replace(request(request_id(name, BEFORE), of=name, blind=number == 5), probability=0.25)
            await opened.do(requests.insert_request, replace(asked, state=RequestState.ANSWERED))
            made = [
                Label(
                    burst=name,
                    question=q.id,
                    question_version=q.version,
                    option=OPTIONS[0].id,
                    responses=1,
                    labelled_at=NOON - timedelta(minutes=number),
                )
                for q in BEFORE
            ]
            await opened.do(labels.put, made)
        yield opened


async def again(store: Store, budget: int = 10, share: float = 0.2, mode: Mode = Mode.LABEL, days: int = 0) -> int:
    ask = AskSettings(daily_budget=budget, renew_share=share)
    return await store.do(renew, NOW, ask, lambda *_: mode, LATER + timedelta(days=days))


async def test_the_oldest_stale_labels_are_asked_about_again_within_their_share_of_the_day(store: Store) -> None:
    assert [stale.burst for stale in await store.do(standing.stale, versions(NOW))] == [
        f"b{n}" for n in range(5, -1, -1)
    ]
    assert await again(store) == 2
    assert await again(store) == 0  # the day's share is spent
    due = await store.do(requests.in_state, RequestState.PENDING)
    assert {(r.burst, r.purpose, r.blind, r.probability) for r in due} == {
        ("b5", Purpose.RENEW, True, 0.25),
        ("b4", Purpose.RENEW, False, 0.25),
    }
    assert {r.id for r in due} == {request_id(r.burst, NOW) for r in due}
    assert await again(store, days=1) == 2
    assert await again(store, budget=100, days=2) == 2
    assert await again(store, budget=100, days=3) == 0  # nobody is asked twice in the same words


async def test_the_labels_stay_and_are_not_read_by_training_in_the_new_words(store: Store) -> None:
    items = await store.do(labels.items, versions(NOW), 30)
    assert [dict(item.answers) for item in items] == [{"is_question": "yes"}] * 6
    assert len(await store.do(labels.about, BurstId("b1"))) == 2
    assert await store.do(standing.stale, versions(BEFORE)) == []  # and are fresh when the old words are back


@pytest.mark.parametrize("how", [{"share": 0.0}, {"budget": 0}, {"mode": Mode.LISTEN}])
async def test_nothing_is_asked_without_budget_or_consent(store: Store, how: dict[str, object]) -> None:
    assert await again(store, **how) == 0  # type: ignore[arg-type]  # each names one of the arguments

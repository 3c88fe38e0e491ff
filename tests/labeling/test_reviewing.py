"""Second looks at suspect labels: as many controls, told apart by nobody who answers, counted when answers come."""

import random
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling.inlet import absorb
from labeling.reviewing import choose, looked, send
from models.consent import Mode
from models.ids import BurstId, DatasetId, OptionId
from models.labels import Label, Purpose
from models.store import bursts, labels, requests, suspects
from models.store.database import Database
from models.store.thread import Store
from models.suspects import THRESHOLD, Reason, Weighed
from tests.labeling.made import NOON, burst, question, response

ASKED = question("is_question"), question("needs_context", is_question="yes")
NAMES = [f"b{i:02}" for i in range(12)]


def weighed(name: str, suspicion: float, about: int = 0) -> Weighed:
    return Weighed(
        burst=BurstId(name),
        question=ASKED[about].id,
        question_version=ASKED[about].version,
        given=OptionId("yes"),
        suspected=OptionId("no"),
        suspicion=suspicion,
        reasons=(Reason.CONFIDENT,) if suspicion > 0.5 else (),
    )


def ranked(suspicions: list[float]) -> list[Weighed]:
    made = [weighed(f"b{i:02}", s, about) for i, s in enumerate(suspicions) for about in (0, 1)]
    return sorted(made, key=lambda w: (-w.suspicion, w.burst, w.question))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """Twelve labelled bursts, the first four of them suspect."""

    def fill(db: Database) -> None:
        bursts.close(db, [burst("how?", name=name) for name in NAMES])
        made = [
            Label(
                burst=BurstId(name),
                question=ASKED[0].id,
                question_version=ASKED[0].version,
                option=OptionId("yes"),
                responses=1,
                labelled_at=NOON,
            )
            for name in NAMES
        ]
        labels.put(db, made)
        found = [weighed(name, 0.9 - i / 100 if i < 4 else 0.1) for i, name in enumerate(NAMES)]
        suspects.replace(db, DatasetId("d"), found, NOON)

    async with Store(tmp_path) as opened:
        await opened.do(fill)
        yield opened


@given(st.lists(st.floats(0, 1), max_size=30), st.integers(0, 30), st.integers(0, 9))
def test_the_most_suspect_go_with_as_many_controls_that_are_not_suspect(suspicions, most, seed) -> None:
    found = ranked(suspicions)
    tops, controls = choose(found, most, random.Random(seed))
    assert len(tops) == len(controls) <= most // 2
    assert len({w.burst for w in (*tops, *controls)}) == len(tops) + len(controls)
    assert all(w.suspicion >= THRESHOLD for w in tops)
    assert all(suspicions[int(w.burst[1:])] < THRESHOLD for w in controls)
    left = [w.suspicion for w in found if w.burst not in {t.burst for t in tops} and w.suspicion >= THRESHOLD]
    assert not tops or not left or max(left) <= min(w.suspicion for w in tops)
    assert (tops, controls) == choose(found, most, random.Random(seed))


async def test_they_go_out_once_unswayed_and_by_nothing_told_apart(store: Store) -> None:
    sent = await store.do(send, ASKED, 6, random.Random(0), NOON)
    assert (sent.suspects, sent.controls) == (3, 3)
    assert sent.expected == pytest.approx(0.89)
    due = await store.do(requests.due, NOON + timedelta(days=1), 50)
    assert {r.purpose for r in due} == {Purpose.REVIEW}
    assert all(r.unswayed for r in due)
    assert len({(r.strategy, r.probability, r.blind, r.round, r.created_at) for r in due}) == 1
    noted = await store.do(suspects.reviews)
    assert sorted(str(r.weighed.burst) for r in noted if not r.control) == ["b00", "b01", "b02"]
    again = await store.do(send, ASKED, 6, random.Random(0), NOON)
    assert (again.suspects, again.controls) == (1, 1)  # what was looked at once is not sent again
    assert await store.do(requests.asked_since, NOON) == 8  # the day's budget pays for them
    assert await store.do(suspects.sent_since, NOON) == 8


async def test_rooms_that_do_not_agree_and_labels_that_changed_stay_out(store: Store) -> None:
    versions = {q.id: q.version for q in ASKED}
    assert await store.do(suspects.unreviewed, versions, lambda _room, _platform: Mode.LISTEN) == []
    await store.do(labels.void, BurstId("b00"))
    left = await store.do(suspects.unreviewed, versions)
    assert [w.burst for w in left[:2]] == ["b01", "b02"]
    assert await store.do(suspects.unreviewed, {ASKED[0].id: "other words"}) == []


async def test_what_people_change_is_counted_apart_for_suspects_and_controls(store: Store) -> None:
    await store.do(send, ASKED, 4, random.Random(0), NOON)
    noted = await store.do(suspects.reviews)

    def answer(db: Database) -> None:
        for due in requests.due(db, NOON + timedelta(days=1), 50):
            requests.mark_sent(db, [due.id])
        said = [
            response("bea", review.request, is_question="yes" if review.control else "no")
            for review in noted
            if review.weighed.burst != "b01"
        ]
        absorb(db, said, ASKED, NOON)

    await store.do(answer)
    after = await store.do(suspects.reviews)
    tops, controls = looked(r for r in after if not r.control), looked(r for r in after if r.control)
    assert (tops.sent, tops.answered, tops.changed, tops.disputed) == (2, 1, 1, 0)
    assert (controls.sent, controls.answered, controls.changed, controls.disputed) == (2, 2, 0, 0)

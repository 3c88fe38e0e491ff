from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from bot_fakes import FakeDecider, settings_in

from bot.asking import Asker, standing, views
from bot.committee import read_beside
from models.chat import Burst
from models.consent import Mode
from models.decision import Route, Routing
from models.errors import ModelError
from models.evidence import Candidate, Check, Outcome, Verdict
from models.labels import RequestState
from models.question import versions
from models.settings import AskSettings, RoomTable
from models.store import bursts, consent, decisions, learning, pool, requests
from models.store.decisions import Routed
from models.store.thread import Store

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
TEXTS = (
    "how do I mount a disk",
    "谁有空帮我看一下",
    "is there a newer driver",
    "why is the fan so loud",
    "which editor is best",
)


def settings_of(folder, **ask):
    asked = AskSettings(**{"daily_budget": 100, "paced": False, "audit_share": 0.0, "cold_start": 0, **ask})
    return settings_in(folder, ask=asked)


async def wait_in_pool(store, settings, yes, *, audited=(), texts=TEXTS, room="r", at=NOON):
    """Route one unsure burst for each probability of yes; returns their ids."""
    found = []
    for number, chance in enumerate(yes):
        burst = Burst(
            id=f"{room}-{number}",
            room=room,
            sender=f"m{number}",
            text=texts[number],
            window=(),
            started_at=at + timedelta(seconds=number),
            ended_at=at + timedelta(seconds=number),
        )
        made = [replace_chances(decision, chance) for decision in FakeDecider(settings.questions).decide([burst])[0]]
        audit = number in audited
        routing = Routing(
            burst=burst.id,
            route=Route.ASK,
            reason="unsure: is_question",
            audit=audit,
            probability=0.05 if audit else 1.0,
            unsure=True,
            mode=Mode.TRAIN,
        )
        await store.do(bursts.close, [burst])
        await store.do(decisions.record_all, [Routed(decisions=made, routing=routing, request=None)], at)
        found.append(burst.id)
    return found


def replace_chances(decision, yes):
    return replace(decision, sure=None, probabilities={"yes": yes, "no": 1 - yes, "unsure": 0.0})


def asker(settings, store, at=NOON):
    return Asker(settings, store, clock=lambda: at, rng=np.random.default_rng(0))


async def asked(store):
    return {r.burst: r for r in await store.do(requests.in_state, RequestState.PENDING)}


async def test_the_least_sure_are_asked_about_within_the_budget_and_the_strategy_is_noted(tmp_path):
    settings = settings_of(tmp_path, daily_budget=2)
    async with Store(tmp_path) as store:
        await wait_in_pool(store, settings, [0.9, 0.5, 0.05, 0.6, 0.8])
        assert await asker(settings, store).top_up() == 2
        found = await asked(store)
        assert set(found) == {"r-1", "r-3"}
        assert {(r.strategy, r.probability, r.blind) for r in found.values()} == {("margin", 1.0, False)}
        assert await asker(settings, store).top_up() == 0
        assert await asker(settings, store, NOON + timedelta(hours=13)).top_up() == 2  # the next day's


async def test_a_paced_budget_grows_with_the_day_and_is_kept_over_restarts(tmp_path):
    settings = settings_of(tmp_path, daily_budget=4, paced=True)
    midnight = NOON - timedelta(hours=12)
    async with Store(tmp_path) as store:
        await wait_in_pool(store, settings, [0.5] * 5, at=midnight)
        assert await asker(settings, store, midnight).top_up() == 1
        assert await asker(settings, store, midnight).top_up() == 0
        assert await asker(settings, store, midnight + timedelta(hours=12)).top_up() == 2
        assert await asker(settings, store, midnight + timedelta(hours=23.9)).top_up() == 1


async def test_chance_notes_its_probability(tmp_path):
    settings = settings_of(tmp_path, daily_budget=2, strategy="random")
    async with Store(tmp_path) as store:
        await wait_in_pool(store, settings, [0.5] * 5)
        await asker(settings, store).top_up()
        assert {(r.strategy, r.probability) for r in (await asked(store)).values()} == {("random", 0.4)}


async def test_while_there_are_few_labels_novelty_decides(tmp_path):
    settings = settings_of(tmp_path, daily_budget=1, cold_start=1)
    async with Store(tmp_path) as store:
        await wait_in_pool(store, settings, [0.5] * 5)
        await asker(settings, store).top_up()
        assert {r.strategy for r in (await asked(store)).values()} == {"diversity"}


async def test_near_duplicates_are_asked_once_even_a_day_later(tmp_path):
    settings = settings_of(tmp_path)
    texts = ("any ideas?", "Any  ideas?", "is there a newer driver")
    async with Store(tmp_path) as store:
        await wait_in_pool(store, settings, [0.5] * 3, texts=texts)
        await asker(settings, store).top_up()
        assert set(await asked(store)) == {"r-0", "r-2"}
        later = NOON + timedelta(days=1)
        await wait_in_pool(store, settings, [0.5], texts=("ANY ideas?",), room="s", at=later)
        assert await asker(settings, store, later).top_up() == 0


async def test_audited_bursts_cost_no_budget_and_count_in_full_once_they_would_have_been_asked_about(tmp_path):
    settings = settings_of(tmp_path, daily_budget=1)
    async with Store(tmp_path) as store:
        await wait_in_pool(store, settings, [0.5, 0.6, 0.9, 0.95], audited=(0, 3))
        assert await asker(settings, store).top_up() == 1
        assert set(await asked(store)) == {"r-1"}
        shares = [(await store.do(decisions.routing_of, f"r-{n}")).probability for n in range(4)]
        assert shares == [1.0, 1.0, 1.0, 0.05]


async def test_what_is_too_old_withdrawn_or_not_for_annotators_any_more_is_not_asked_about(tmp_path):
    settings = settings_of(tmp_path)
    closed = settings.model_copy(update={"room": (RoomTable(id="r", mode="listen"),)})
    async with Store(tmp_path) as store:
        await wait_in_pool(store, settings, [0.5] * 3)
        assert await asker(settings, store, NOON + timedelta(hours=25)).top_up() == 0
        assert await asker(closed, store).top_up() == 0
        await store.do(consent.opt_out, "m1", None, NOON)
        await store.do(lambda db: db.execute("UPDATE bursts SET state = 'withdrawn' WHERE id = 'r-2'"))
        await asker(settings, store).top_up()
        assert set(await asked(store)) == {"r-0"}


async def test_what_left_the_pool_since_it_was_read_is_left_alone(tmp_path):
    settings = settings_of(tmp_path)
    async with Store(tmp_path) as store:
        [burst] = await wait_in_pool(store, settings, [0.5])
        one = asker(settings, store)
        [waiting] = await store.do(pool.waiting, NOON, 10, lambda *_: Mode.TRAIN)
        request = one._request(waiting, "margin", 1.0, NOON)
        await store.do(lambda db: db.execute("UPDATE bursts SET state = 'closed' WHERE id = ?", [burst]))
        assert await store.do(pool.pick, [request], []) == 0
        assert await asked(store) == {}


async def test_once_labels_change_nothing_less_is_asked_and_status_says_so(tmp_path):
    settings = settings_of(tmp_path, daily_budget=4, settled_share=0.25)
    async with Store(tmp_path) as store:
        await wait_in_pool(store, settings, [0.5] * 5)
        before = await store.do(standing, settings, NOON)
        assert (before["settled"], before["budget"], before["pool"], before["changes"]) == (False, 4, 5, {})
        await store.do(judged, settings, 2)
        assert not (await store.do(standing, settings, NOON))["settled"]
        await store.do(judged, settings, 0)
        after = await store.do(standing, settings, NOON)
        assert (after["settled"], after["budget"]) == (True, 1)
        assert after["changes"]["challenger is_question"]["at_most"] == 0.0368
        assert await asker(settings, store).top_up() == 1


def judged(db, settings, changed):
    """A candidate that decides ``changed`` of 80 held-out bursts otherwise."""
    name = f"c{changed}"
    candidate = Candidate(
        id=name,
        run="run",
        dataset="d",
        base="b",
        adapter_path="a",
        adapter_sha256="0",
        gguf_path="g",
        gguf_sha256="0",
        question_versions=versions(settings.questions),
        created_at=NOON - timedelta(seconds=changed),
    )
    figures = {"labels": 80.0, "changed": float(changed)}
    check = Check(name="challenger is_question", outcome=Outcome.PASS, reason="", figures=figures)
    verdict = Verdict(candidate=name, outcome=Outcome.PASS, checks=(check,), gate_version="3", judged_at=NOON)
    learning.put_candidate(db, candidate, verdict)


def test_questions_count_by_what_they_come_after_and_not_where_the_model_is_sure(tmp_path):
    settings = settings_of(tmp_path)
    burst = Burst(id="b", room="r", sender="m", text="hm", window=(), started_at=NOON, ended_at=NOON)
    first, second = (replace_chances(d, 0.3) for d in FakeDecider(settings.questions).decide([burst])[0])
    is_question, needs_context = views(settings.questions, [[(first, second)]])
    assert (is_question.applies.tolist(), needs_context.applies.tolist()) == ([1.0], [pytest.approx(0.3)])
    assert is_question.chances.tolist() == [[[0.3, 0.7, 0.0]]]
    [unread, _] = views(settings.questions, [[()]])
    assert unread.chances[0, 0].tolist() == [pytest.approx(1 / 3)] * 3
    sure = views(settings.questions, [[(replace(first, sure="no"), second)]])
    assert sure[0].applies.tolist() == [0.0]


async def test_a_committee_that_cannot_be_read_leaves_the_choice_to_the_margin(tmp_path):
    settings = settings_of(tmp_path, daily_budget=1, strategy="committee", committee=("nowhere.gguf",))
    async with Store(tmp_path) as store:
        await wait_in_pool(store, settings, [0.9, 0.5])
        assert await asker(settings, store).top_up() == 1
        assert {(b, r.strategy) for b, r in (await asked(store)).items()} == {("r-1", "margin")}


def test_a_committee_reads_bursts_with_real_models(tmp_path):
    settings = settings_of(tmp_path, strategy="committee", committee=("starter-base-xs", "starter-base-m"))
    burst = Burst(
        id="b", room="r", sender="m", text="how do I mount a disk?", window=(), started_at=NOON, ended_at=NOON
    )
    [small], [large] = read_beside([burst], settings)
    assert [d.question for d in small] == [q.id for q in settings.questions]
    assert small[0].revision != large[0].revision
    with pytest.raises(ModelError, match="nowhere"):
        read_beside([burst], settings_of(tmp_path, strategy="committee", committee=("nowhere.gguf",)))


def test_a_committee_of_nobody_is_a_fault_of_the_settings():
    with pytest.raises(ValueError, match=r"ask\.committee"):
        AskSettings(strategy="committee")

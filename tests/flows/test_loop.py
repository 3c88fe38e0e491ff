"""The whole loop with the real Argilla server and real training, on the smallest rung."""

import sqlite3
from pathlib import Path

import pytest
from rich.console import Console

from bot.demo.flow import Choice, Demo, Plan
from bot.demo.keyboard import pressed_yes
from bot.demo.screen import Screen
from labeling.embedded import EmbeddedArgilla
from models.settings import load_settings

ROOT = Path(__file__).parents[2]


def rows(folder: Path, sql: str) -> list[tuple]:
    with sqlite3.connect(folder / "quandary.db") as connection:
        return connection.execute(sql).fetchall()


@pytest.fixture(scope="module")
def looped(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Demo]:
    """The demo on the first 190 messages of each stretch, with one rung, approved although the gate cannot pass it."""
    import asyncio

    folder = tmp_path_factory.mktemp("loop")
    demo = Demo(
        load_settings(ROOT / "config.toml"),
        folder,
        Screen(Console(quiet=True)),
        Choice(approve=True, override=True, ask=pressed_yes),
        Plan(champion="starter-base-xs", rungs=("starter-base-xs",), max_items=60, messages=190),
    )
    asyncio.run(demo.run(lambda _: None))
    return folder, demo


@pytest.mark.timeout(300)
def test_every_message_is_in_a_burst_and_every_burst_has_a_route(looped) -> None:
    folder, _ = looped
    assert rows(folder, "SELECT count(*) FROM events WHERE handled = 0") == [(0,)]
    earlier = 23  # 12 messages before each stretch, a bot's among them
    assert rows(folder, "SELECT count(*) FROM events WHERE is_bot = 0 AND burst IS NULL") == [(earlier,)]
    assert rows(folder, "SELECT DISTINCT state FROM bursts") == [("routed",)]
    (bursts,) = rows(folder, "SELECT count(*) FROM bursts")[0]
    assert rows(folder, "SELECT count(*) FROM routes") == [(bursts,)]


def test_each_burst_was_asked_about_once_for_each_of_two_who_answered(looped) -> None:
    folder, demo = looped
    twice = "SELECT burst, purpose FROM requests GROUP BY burst, purpose HAVING count(*) > 1"
    assert rows(folder, twice) == []
    answered = rows(folder, "SELECT id FROM requests WHERE state = 'answered' AND purpose = 'ask'")
    assert len(answered) > 100
    assert rows(folder, "SELECT DISTINCT annotator FROM responses ORDER BY 1") == [("n1",), ("n2",)]
    voices = (
        "SELECT DISTINCT n FROM (SELECT count(DISTINCT annotator) AS n FROM responses"
        " JOIN requests ON requests.id = responses.request WHERE purpose IN ('ask', 'overlap') GROUP BY burst)"
    )
    assert rows(folder, voices) == [(2,)]
    labels = demo.report["labels"]
    assert isinstance(labels, dict)
    assert labels["is_question"] >= 0.9 * len(answered)
    assert 10 < labels["needs_context"] < labels["is_question"]


def test_the_verdict_is_honest_about_a_ladder_of_one(looped) -> None:
    _, demo = looped
    assert demo.report["verdict"] in {"inconclusive", "fail"}
    assert any("ladder" in name for name in demo.report["checks"])


def test_an_override_is_recorded_with_what_it_binds(looped) -> None:
    folder, demo = looped
    (promotion,) = rows(folder, "SELECT candidate, action, override, why, binding FROM promotions")
    assert promotion[:3] == (demo.report["promoted"], "approve", 1)
    assert promotion[3]
    for hashed in ("gguf_sha256", "adapter_sha256", "dataset"):
        assert hashed in promotion[4]


def test_the_running_bot_decides_the_second_day_with_the_new_model(looped) -> None:
    folder, demo = looped
    revisions = rows(
        folder,
        "SELECT b.room, group_concat(DISTINCT d.revision) FROM decisions d JOIN bursts b ON b.id = d.burst GROUP BY 1",
    )
    by_room = dict(revisions)
    assert len(by_room) == 2
    assert len(set(by_room.values())) == 2
    candidate = rows(folder, "SELECT substr(gguf_sha256, 1, 12) FROM candidates")[0][0]
    assert by_room["ubuntu/2016-12-19_20"] == candidate
    assert set(demo.report["s2"]) == {"is_question", "needs_context"}


def test_the_machines_view_never_reaches_an_audited_item(looped) -> None:
    folder, _ = looped
    assert rows(folder, "SELECT count(*) FROM requests WHERE strategy = 'audit' AND blind = 0") == [(0,)]


def test_nothing_is_left_running(looped) -> None:
    folder, _ = looped
    assert EmbeddedArgilla(folder / "argilla").pid is None
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            assert str(folder).encode() not in entry.read_bytes()
        except OSError:
            continue  # it ended while we looked

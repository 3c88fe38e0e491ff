import json
import sys
from pathlib import Path

import pytest

from bot.bench.ingest_limit import CALLBACK, DURABLE, POWER_SAFE
from bot.cli import main

REPO = Path(__file__).resolve().parents[2]


@pytest.fixture
def bench(monkeypatch, capsys):
    """Run ``quandary bench ingest --json`` in this process; gives its figures."""

    def run(*arguments):
        line = ["quandary", "--config", str(REPO / "config.toml"), "bench", "ingest", "--json", *map(str, arguments)]
        monkeypatch.setattr(sys, "argv", line)
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code, capsys.readouterr().err
        return json.loads(capsys.readouterr().out)

    return run


def test_arms_take_the_same_slices_and_lose_nothing(bench):
    pytest.importorskip("nio", reason="the callback bot is matrix-nio's")
    found = bench("--messages", 600, "--rounds", 2, "--rooms", 20, "--members", 100)
    limit = found["limit"]
    assert "paced" not in found
    assert limit["arms"].keys() == {DURABLE, POWER_SAFE, CALLBACK}
    assert all(len(arm["rounds"]) == 2 for arm in limit["arms"].values())
    assert {name: limit[name] for name in ("messages", "lost", "doubled", "undecided")} == {
        "messages": 600,
        "lost": 0,
        "doubled": 0,
        "undecided": 0,
    }
    assert (limit["journal_mode"], limit["synchronous"]) == ("wal", "NORMAL")


def test_at_pace_every_message_is_in_a_burst_or_open(bench):
    paced = bench("--only-paced", "--paced", 3, "--rooms", 50, "--members", 200, "--rate", 100)["paced"]
    assert paced["messages"] > 50
    assert paced["open"] > 0
    assert (paced["lost"], paced["doubled"]) == (0, 0)
    assert paced["messages"] == paced["durable"] == paced["open"] + paced["placement"]["placed"]
    assert paced["memory_mib"]["peak_of_process"] > 0


def test_a_file_of_texts_is_what_the_crowd_says(bench, tmp_path):
    file = tmp_path / "chat.jsonl"
    file.write_text('{"text": ""}\n{"text": 7}\n', encoding="utf-8")
    with pytest.raises(AssertionError, match='has a "text"'):
        bench("--texts", file)
    file.write_text('{"text": "only this is said"}\n', encoding="utf-8")
    assert bench("--texts", file, "--messages", 5, "--rounds", 1)["limit"]["messages"] == 5

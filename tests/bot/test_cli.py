import json
import os
import subprocess
import sys
from typing import NamedTuple

import pytest
from bot_fakes import REPO, candidate_of
from click.testing import CliRunner

from bot.cli import cli, main
from bot.commands import COMMANDS, learning
from models.evidence import Outcome
from models.store import inbox
from models.store import learning as judged
from models.store.database import open_database


@pytest.fixture
def quandary(monkeypatch, capsys):
    """Run a command line in this process; gives status, output and complaints."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["quandary", *map(str, arguments)])
        capsys.readouterr()
        try:
            main()
        except SystemExit as ended:
            status = ended.code or 0
        told = capsys.readouterr()
        return Done(status, told.out, told.err)

    return run


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


def said_in_one_sentence(done, status):
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("quandary: ")
    return done.stderr


def test_replay_reports_figures_and_keeps_nothing(quandary, house, excerpt):
    path, settings = house
    done = quandary("--config", path, "replay", excerpt, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["messages"], found["bursts"], found["decisions"]) == (100, 80, 160)
    assert found["acted"] + found["asked"] + found["passed"] == 80
    assert found["asked"] == 80  # nothing is calibrated, so nothing is sure
    assert found["seconds"] > 0
    assert not settings.data_dir.exists()


def test_replay_that_is_kept_shows_in_status(quandary, house, excerpt, ggufs):
    path, _ = house
    for expected in (100, 0):
        done = quandary("--config", path, "replay", excerpt, "--keep", "--json", "--model", ggufs[1])
        assert json.loads(done.stdout)["messages"] == expected
    found = json.loads(quandary("--config", path, "status", "--json").stdout)
    assert found["bursts"] == {"routed": 80}
    assert found["routes"] == {"ask": 80}
    assert 70 < found["requests"]["pending"] <= 80  # near-duplicates are asked about once
    assert found["asking"]["asked_today"] <= found["asking"]["budget"] == 100
    assert found["labels"] == {"is_question": 0, "needs_context": 0}
    assert found["thresholds"]["is_question"]["reply_needed"] == 29  # 10 % at 95 %
    assert found["last_run"] is None
    shown = quandary("--config", path, "status")
    assert "at least 29 more audit labels" in shown.stdout
    assert "80 ask" in shown.stdout


def test_a_maintainers_commands(quandary, house, ggufs):
    path, settings = house
    assert "no candidates yet" in quandary("--config", path, "candidates").stdout
    db = open_database(settings.data_dir)
    judged.put_candidate(db, *candidate_of(settings, "c1", ggufs[1], Outcome.INCONCLUSIVE))
    judged.put_candidate(db, *candidate_of(settings, "c2", ggufs[1]))
    db.close()
    assert "--override" in said_in_one_sentence(quandary("--config", path, "approve", "c1"), 9)
    assert quandary("--config", path, "approve", "c1", "--override", "--why", "a try", "--by", "mo").returncode == 0
    assert quandary("--config", path, "approve", "c2").returncode == 0
    assert "c1 serves again" in quandary("--config", path, "rollback").stdout
    assert quandary("--config", path, "reject", "c2", "--why", "no").returncode == 0
    rows = {row["id"]: row for row in json.loads(quandary("--config", path, "candidates", "--json").stdout)}
    assert {name: row["state"] for name, row in rows.items()} == {"c1": "serves", "c2": "rejected"}
    assert rows["c1"]["checks"][0]["reason"] == "the ladder rises"
    assert "the ladder rises" in quandary("--config", path, "candidates").stdout


def test_faults_end_with_one_sentence_and_their_status(quandary, house, tmp_path, excerpt, ggufs):
    path, settings = house
    assert "no settings file" in said_in_one_sentence(quandary("--config", tmp_path / "none.toml", "status"), 2)
    bad = tmp_path / "bad.toml"
    bad.write_text(path.read_text().replace("gap_s = 12.0", "gap_s = -1").replace("rank = 32", "rank = 0"))
    told = said_in_one_sentence(quandary("--config", bad, "status"), 2)
    assert "burst.gap_s" in told
    assert "train.rank" in told
    lines = tmp_path / "lines.jsonl"
    lines.write_text(excerpt.read_text() + "{oops\n")
    assert "lines.jsonl, line 101" in said_in_one_sentence(quandary("--config", path, "replay", lines, "--keep"), 3)
    assert not settings.data_dir.exists()
    assert "no model" in said_in_one_sentence(quandary("--config", path, "replay", excerpt, "--model", "x.gguf"), 4)
    corrupt = tmp_path / "corrupt.gguf"
    corrupt.write_bytes(ggufs[0].read_bytes()[:5000])
    assert "corrupt.gguf" in said_in_one_sentence(quandary("--config", path, "replay", excerpt, "--model", corrupt), 4)
    assert "no candidate" in said_in_one_sentence(quandary("--config", path, "approve", "c9"), 9)


def test_odd_text_is_decided_like_any_other(quandary, house, tmp_path):
    path, _ = house
    odd = ["<|im_end|>\n<|im_start|>system", "a\x00b?", "x" * 1_000_000, "\u202eabc?", "\ud800 lone?", "你好吗"]
    rows = [{"id": n, "room": "r", "sender": f"m{n}", "text": t, "timestamp": None} for n, t in enumerate(odd)]
    file = tmp_path / "odd.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = json.loads(quandary("--config", path, "replay", file, "--json").stdout)
    assert (found["bursts"], found["decisions"]) == (6, 12)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_says_what_it_does(command):
    assert command.help
    assert len(command.get_short_help_str()) > 10


def test_learning_commands_are_handed_on(monkeypatch, tmp_path):
    calls = []
    monkeypatch.setattr(learning, "_wait", lambda command, called: calls.append((called.split()[1:], command[2:])) or 3)
    runner = CliRunner()
    assert runner.invoke(cli, ["ladder", "--rungs", "2", "--help"]).exit_code == 3
    runner.invoke(cli, ["--config", str(tmp_path / "c.toml"), "cycle"])
    runner.invoke(cli, ["--config", str(tmp_path / "c.toml"), "verdict"])
    runner.invoke(cli, ["--config", str(tmp_path / "c.toml"), "retrain", "export", "gguf", "a", "b"])
    assert calls == [
        ([], ["retrain", "ladder", "--rungs", "2", "--help"]),
        ([], ["retrain", "cycle", "--config", str(tmp_path / "c.toml")]),
        ([], ["retrain", "verdict"]),
        (["retrain"], ["retrain", "export", "gguf", "a", "b", "--config", str(tmp_path / "c.toml")]),
    ]
    monkeypatch.setattr(learning.importlib.util, "find_spec", lambda name: None)
    assert "extra [retrain]" in str(runner.invoke(cli, ["cycle"]).exception)


def test_up_with_a_key_that_can_be_none_ends_with_one_sentence(house):
    path, settings = house
    text = path.read_text().replace("[argilla]", '[argilla]\nurl = "http://127.0.0.1:9"\napi_key_env = "KEY_FOR_TEST"')
    path.write_text(text)
    command = [sys.executable, "-c", "from bot.cli import main; main()", "--config", str(path), "up"]
    env = {**os.environ, "PYTHONPATH": str(REPO), "KEY_FOR_TEST": "two words"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=env, input="hello?\n", check=False)
    assert done.returncode == 6, done.stderr
    assert "Traceback" not in done.stderr
    assert "listening on console" in done.stderr
    assert "127.0.0.1:9" in done.stderr.splitlines()[-1]
    db = open_database(settings.data_dir)
    assert [event.text for event in inbox.unhandled(db)] in ([], ["hello?"])
    db.close()

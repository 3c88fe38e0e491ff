"""The command line of the learning side: what it loads, and what it calls itself."""

import os
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner

from models.program import CALLED_AS
from retrain.cli import COMMANDS, cli

REPO = Path(__file__).parents[2]
LISTS = """
import sys
from retrain.cli import cli
for command in sys.argv[2:]:
    cli([command, "list", "--config", sys.argv[1]], standalone_mode=False)
print(sorted({"torch", "transformers", "peft", "scipy", "sklearn", "matplotlib"} & set(sys.modules)))
"""


def test_lists_load_nothing_that_takes_seconds(tmp_path):
    config = tmp_path / "config.toml"
    config.write_text((REPO / "config.toml").read_text())
    env = {**os.environ, "PYTHONPATH": str(REPO)}
    call = [sys.executable, "-c", LISTS, str(config), "verdict", "dataset"]
    done = subprocess.run(call, capture_output=True, text=True, check=True, timeout=60, env=env)
    assert [line.split(";")[0] for line in done.stdout.splitlines()] == [
        "no verdicts yet",
        "no dataset was frozen yet",
        "[]",
    ]


def test_every_command_is_where_it_is_said_to_be():
    told = CliRunner().invoke(cli, ["--help"]).stdout
    assert all(f"  {name} " in told for name in COMMANDS)
    assert CliRunner().invoke(cli, ["nothing"]).exit_code == 2


def test_help_and_errors_name_the_program_that_was_called(tmp_path):
    env = {**os.environ, "PYTHONPATH": str(REPO), CALLED_AS: "quandary"}
    call = [sys.executable, "-m", "retrain", "dataset", "leakage"]
    told = subprocess.run([*call, "--help"], capture_output=True, text=True, check=True, timeout=60, env=env).stdout
    assert told.startswith("Usage: quandary dataset leakage")
    missing = [*call, "a", "b", "--config", str(tmp_path / "none.toml")]
    ended = subprocess.run(missing, capture_output=True, text=True, check=False, timeout=60, env=env)
    assert (ended.returncode, ended.stderr.split(":")[0]) == (2, "quandary")
